package hashtag_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
)

func TestSlot(t *testing.T) {
	for _, tt := range []struct {
		key  string
		tag  string
		slot uint16
	}{
		{"", "", 0},
		{"123456789", "123456789", 0x31c3 % hashtag.Slots},
		{"foo", "foo", 12182},
		{"bar", "bar", 5061},
		{"b", "b", 3300},
		{"hello0", "hello0", 15740},
		{"nope", "nope", 14472},
		{"foo{bar}{zap}", "bar", 5061},
		{"{bar}", "bar", 5061},
		{"{bar}none", "bar", 5061},
		{"none{bar}", "bar", 5061},
	} {
		require.Equal(t, tt.tag, hashtag.Extract(tt.key), "tag of %q", tt.key)
		require.Equal(t, tt.slot, hashtag.Slot(tt.key), "slot of %q", tt.key)
		require.Equal(t, tt.slot, hashtag.SlotBytes([]byte(tt.key)), "slot of the bytes %q", tt.key)
	}
}

// The slots of these keys follow from what is hashed, so only that is listed.
func TestExtractBraces(t *testing.T) {
	for key, want := range map[string]string{
		"{":             "{",
		"}":             "}",
		"{}":            "{}",
		"}{":            "}{",
		"{{":            "{{",
		"}}":            "}}",
		"{}bar":         "{}bar",
		"bar{}":         "bar{}",
		"foo{}{bar}":    "foo{}{bar}",
		"foo{{bar}}zap": "{bar",
		"{{}}":          "{",
		"{{}":           "{",
		"{}}":           "{}}",
		"}{bar}":        "bar",
		"}}}{bar}":      "bar",
		"{bar":          "{bar",
		"bar}":          "bar}",
		"{bar}}":        "bar",
		"{ba{r}":        "ba{r",
		"{a}{b}":        "a",
		"{ }":           " ",
		"{\x00}x":       "\x00",
		"\xff{\xfe}":    "\xfe",
		"x{\r\n}y":      "\r\n",
	} {
		require.Equal(t, want, hashtag.Extract(key), "%q", key)
		require.Equal(t, crcByBits(want)%hashtag.Slots, hashtag.Slot(key), "%q", key)
		require.Equal(t, hashtag.Slot(key), hashtag.SlotBytes([]byte(key)), "%q", key)
	}
}

func TestSame(t *testing.T) {
	require.True(t, hashtag.Same())
	require.True(t, hashtag.Same("foo"))
	require.True(t, hashtag.Same("foo", "foo"))
	require.True(t, hashtag.Same("{bar}1", "2{bar}", "bar"))
	require.False(t, hashtag.Same("foo", "bar"))
	require.False(t, hashtag.Same("{bar}1", "{bar}2", "foo"), "the last key alone differs")
	require.False(t, hashtag.Same("{}1", "{}2"), "an empty tag is no tag")

	require.True(t, hashtag.Same("hello0", hashtag.ForSlot(15740)), "different tags, one slot")
}

func TestNoAllocation(t *testing.T) {
	const key = "user:{1000}:followers"
	bytes := []byte(key)
	hashtag.ForSlot(0)

	for name, f := range map[string]func(){
		"Slot":      func() { hashtag.Slot(key) },
		"SlotBytes": func() { hashtag.SlotBytes(bytes) },
		"Extract":   func() { hashtag.Extract(key) },
		"Same":      func() { hashtag.Same(key, "{1000}", "1000") },
		"ForSlot":   func() { hashtag.ForSlot(12182) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}
