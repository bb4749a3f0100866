package hashtag_test

import (
	"fmt"

	"github.com/slotmesh/slotmesh/hashtag"
)

func ExampleSlot() {
	fmt.Println(hashtag.Slot("foo"))
	fmt.Println(hashtag.Slot("bar"), hashtag.Slot("foo{bar}{zap}"))
	// Output:
	// 12182
	// 5061 5061
}

func ExampleExtract() {
	fmt.Println(hashtag.Extract("user:{42}:mail"))
	fmt.Println(hashtag.Extract("user:{}:mail"))
	// Output:
	// 42
	// user:{}:mail
}

func ExampleSame() {
	fmt.Println(hashtag.Same("user:42:name", "user:42:mail"))
	fmt.Println(hashtag.Same("user:{42}:name", "user:{42}:mail"))
	// Output:
	// false
	// true
}

// One key in each of four slots that lie a quarter of the cluster apart.
func ExampleForSlot() {
	for s := 0; s < hashtag.Slots; s += hashtag.Slots / 4 {
		key := "{" + hashtag.ForSlot(uint16(s)) + "}:probe"
		fmt.Println(key, hashtag.Slot(key))
	}
	// Output:
	// {1bz}:probe 0
	// {17p}:probe 4096
	// {fjl}:probe 8192
	// {356}:probe 12288
}
