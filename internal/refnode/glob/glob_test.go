package glob

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		pattern, name string
		matches       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "a", true},
		{"a", "A", false},
		{"a", "ab", false},
		{"*", "", true},
		{"*", "anything", true},
		{"a*c", "abbbc", true},
		{"a*c", "abbb", false},
		{"**a", "ba", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"[ab]c", "bc", true},
		{"[^ab]c", "bc", false},
		{"[^ab]c", "cc", true},
		{"[a-c]", "b", true},
		{"[c-a]", "b", true},
		{"[a-", "a", true}, // the "]" may be missing
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`[\]]`, "]", true},
		{"h[ae]llo*", "hallo world", true},
	} {
		require.Equal(t, tc.matches, Match([]byte(tc.pattern), []byte(tc.name)), "%q %q", tc.pattern, tc.name)
	}
}

// A pattern is no way to keep a server busy.
func TestMatchTakesTimeOnlyForWork(t *testing.T) {
	pattern := []byte(strings.Repeat("*[a-z]", 20) + "*!")
	name := bytes.Repeat([]byte("a"), 1000)
	require.False(t, Match(pattern, name))
	require.True(t, Match(pattern, append(name, '!')))
}
