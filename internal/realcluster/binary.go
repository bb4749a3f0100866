package realcluster

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// Find returns the path of the redis-server on PATH. Its error says how to get one.
func Find() (path string, err error) {
	path, err = exec.LookPath("redis-server")
	if err != nil {
		return "", fmt.Errorf("realcluster: no redis-server: "+
			"apt-get install redis-server, or brew install redis: %w", err)
	}
	return path, nil
}

var versionPattern = regexp.MustCompile(`v=(\d+)\.`)

// majorVersion tells which directives and commands the server knows.
func majorVersion(ctx context.Context, binary string) (int, error) {
	out, err := exec.CommandContext(ctx, binary, "--version").Output()
	if err != nil {
		return 0, fmt.Errorf("%s --version: %w", binary, err)
	}
	match := versionPattern.FindSubmatch(out)
	if match == nil {
		return 0, fmt.Errorf("%s --version: no version in %q", binary, out)
	}
	return strconv.Atoi(string(match[1]))
}
