package difftest

import "bytes"

// A subscription is the life of a subscriber, from its first command to its last.
type subscription struct {
	node    int
	hello   string
	channel string
	command command // while it is subscribed
}

func (s subscription) play(d *duel) error {
	subscriber, publisher := place{s.node, spare}, place{s.node, clean}
	defer d.drop(subscriber)
	subscribe := words(exact, "SSUBSCRIBE "+s.channel)
	if _, err := d.exchange(subscriber, words(exact, s.hello), subscribe, s.command); err != nil {
		return err
	}
	replies, err := d.exchange(publisher, words(exact, "SPUBLISH "+s.channel+" message"))
	if err != nil {
		return err
	}
	if bytes.Equal(replies[0], []byte(":1\r\n")) {
		if _, err := d.receive(subscriber, subscribe); err != nil {
			return err
		}
	}
	_, err = d.exchange(subscriber, words(exact, "SUNSUBSCRIBE "+s.channel), words(exact, "PING"))
	return err
}

func (g *generator) subscription(node int) step {
	key := g.key("k")
	return subscription{
		node:    node,
		hello:   g.oneOf([]string{"HELLO 2", "HELLO 3"}),
		channel: key,
		command: words(exact, g.oneOf([]string{"PING", "PING x", "GET " + key, "ECHO x", "MULTI"})),
	}
}
