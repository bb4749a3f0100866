package difftest

import "fmt"

// look reads keys in every way there is: of the right type is one.
func (d *duel) look(at place, keys []string, asking bool) error {
	var commands []command
	for _, key := range keys {
		for _, c := range []command{
			words(exact, "TYPE "+key), words(millis, "PTTL "+key),
			words(exact, "GET "+key), words(exact, "LRANGE "+key+" 0 -1"),
			words(sorted, "SMEMBERS "+key), words(pairs, "HGETALL "+key),
			words(exact, "ZRANGE "+key+" 0 -1 WITHSCORES"), words(exact, "XRANGE "+key+" - +"),
		} {
			if asking {
				commands = append(commands, words(exact, "ASKING"))
			}
			commands = append(commands, c)
		}
	}
	_, err := d.exchange(at, commands...)
	return err
}

// An audit compares all that can be read at every node.
type audit struct{}

func (audit) play(d *duel) error {
	for node := range nodes {
		at := place{node, clean}
		if _, err := d.exchange(at, words(slotsText, "CLUSTER NODES"), words(exact, "CLUSTER SLOTS"),
			words(sorted, "CLUSTER SHARDS"), words(infoText, "CLUSTER INFO"), words(sorted, "KEYS *")); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		for slot := range slots {
			if err := d.look(at, keysOf(slot), true); err != nil {
				return fmt.Errorf("audit: %w", err)
			}
		}
	}
	return nil
}
