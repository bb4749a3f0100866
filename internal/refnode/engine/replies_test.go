package engine

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/internal/realcluster"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// A line of testdata is a command and what the server answered to it.
type line struct {
	proto resp.Protocol
	args  [][]byte
	reply string
	text  string
}

func lines(t *testing.T) (lines []line) {
	text, err := os.ReadFile("testdata/replies-7.0.15.txt")
	require.NoError(t, err)
	for text := range strings.Lines(string(text)) {
		if text = strings.TrimSpace(text); text != "" && text[0] != '#' {
			lines = append(lines, parseLine(t, text))
		}
	}
	return lines
}

// parseLine parses "protocol: command -> reply".
func parseLine(t *testing.T, text string) line {
	request, quoted, _ := strings.Cut(text, " -> ")
	proto, command, _ := strings.Cut(request, ": ")
	l := line{proto: map[string]resp.Protocol{"2": resp.RESP2, "3": resp.RESP3}[proto], text: text}
	var err error
	l.reply, err = strconv.Unquote(quoted)
	require.NoError(t, err, text)
	for word := range quotedWords(command) {
		l.args = append(l.args, []byte(word))
	}
	return l
}

// quotedWords yields the words of a command, which are separated by spaces that are not
// between quotation marks.
func quotedWords(command string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for command != "" {
			word, quoted := strings.CutPrefix(command, `"`)
			end := map[bool]string{true: `"`, false: " "}[quoted]
			word, command, _ = strings.Cut(word, end)
			command = strings.TrimPrefix(command, map[bool]string{true: " "}[quoted])
			if !yield(word) {
				return
			}
		}
	}
}

// The engine answers what the server has answered.
func TestReplies(t *testing.T) {
	m := newMini(t)
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, l := range lines(t) {
		reply := m.Exec(nil, &Call{Args: l.args, Proto: l.proto, Now: now})
		require.Equal(t, l.reply, string(reply), l.text)
	}
}

// The server still answers that.
func TestRepliesOfServer(t *testing.T) {
	c := realcluster.Start(t, realcluster.Config{Masters: 1})
	info, err := c.Do(context.Background(), c.Addrs()[0], "INFO", "server")
	require.NoError(t, err)
	if !strings.Contains(fmt.Sprint(info), "redis_version:7.0.15\r\n") {
		t.Skip("the redis-server here is another version: put one of 7.0.15 on the PATH, as apt-get install redis-server on Debian 12 does")
	}
	conns := map[resp.Protocol]net.Conn{}
	for _, l := range lines(t) {
		if conns[l.proto] == nil {
			conn, err := net.Dial("tcp", c.Addrs()[0])
			require.NoError(t, err)
			t.Cleanup(func() { conn.Close() })
			conns[l.proto] = conn
			exchange(t, conn, [][]byte{[]byte("HELLO"), strconv.AppendInt(nil, int64(l.proto), 10)})
		}
		require.Equal(t, l.reply, exchange(t, conns[l.proto], l.args), l.text)
	}
}

func exchange(t *testing.T, conn net.Conn, args [][]byte) (reply string) {
	request := resp.AppendArray(nil, len(args))
	for _, arg := range args {
		request = resp.AppendBulk(request, arg)
	}
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err := conn.Write(request)
	require.NoError(t, err)
	var raw bytes.Buffer
	var scanner resp.Scanner
	for buf := make([]byte, 4096); ; {
		n, err := conn.Read(buf)
		require.NoError(t, err)
		raw.Write(buf[:n])
		_, complete, err := scanner.Scan(buf[:n])
		require.NoError(t, err)
		if complete {
			return raw.String()
		}
	}
}
