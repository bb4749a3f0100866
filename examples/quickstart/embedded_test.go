package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func TestEmbedded(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	require.Equal(t, 0, run(ctx, []string{"-migrate"}, &out, &errs), errs.String())
	t.Log("\n" + out.String())
	first, _, _ := strings.Cut(out.String(), "\n")
	require.Contains(t, first, "cluster in this process")
	requireTour(t, out.String())
	requireMigration(t, out.String())
	require.Empty(t, errs.String())

	requireDown(t, addrPattern.FindString(out.String()))
}

// requireDown requires that no node listens at addr.
func requireDown(t *testing.T, addr string) {
	t.Helper()
	_, err := net.Dial("tcp", addr)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

var addrPattern = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// A held cluster serves other clients until the program is told to end, which it does
// while they are connected.
func TestHold(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var errs bytes.Buffer
	out, stdout := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"-hold"}, stdout, &errs)
		stdout.Close()
	}()
	lines := bufio.NewScanner(out)
	told := func(what string) string {
		for lines.Scan() {
			if strings.Contains(lines.Text(), what) {
				return lines.Text()
			}
		}
		t.Fatalf("the program ended with %d before it said %q: %s", <-code, what, &errs)
		return ""
	}

	addrs := addrPattern.FindAllString(told("stays up until ^C"), -1)
	require.Len(t, addrs, 3)
	require.True(t, strings.HasSuffix(addrs[0], strings.TrimPrefix(told("redis-cli"), "  redis-cli -c -p ")), "the port that redis-cli is told is that of a node")

	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs})
	defer client.Close()
	left, err := client.DBSize(ctx).Result()
	require.NoError(t, err)
	require.Zero(t, left, "the tour deletes its keys")
	require.NoError(t, client.Set(ctx, "key", "value", 0).Err())
	require.Equal(t, "value", client.Get(ctx, "key").Val())

	cancel()
	require.False(t, lines.Scan(), "nothing more is printed: %s", lines.Text())
	require.Equal(t, 0, <-code, &errs)
	requireDown(t, addrs[0])
}

// What was asked for first is the tour: if that ends early, nothing is held.
func TestNothingIsHeldAfterAnInterruption(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	require.Equal(t, 1, run(ctx, []string{"-hold"}, &out, &errs))
	require.NotContains(t, out.String(), "stays up")
	require.NotEmpty(t, errs.String())
}
