package engine

import (
	"slices"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// A store is the values that miniredis keeps, as the natives see them.
//
// When a key expires is kept there too, but not the way miniredis means it: in place of
// what is left of its time stands the time itself, in milliseconds since 1970. miniredis
// only carries it along when it removes, renames or overwrites a key.
type store struct {
	db      *miniredis.RedisDB
	changed []string // the keys that the command has changed so far
}

const (
	typeNone   = ""
	typeString = "string"
	typeList   = "list"
	typeHash   = "hash"
	typeSet    = "set"
	typeZSet   = "zset"
)

// has returns an error if key holds another type than this one.
func (s *store) has(key, kind string) (bool, error) {
	switch s.db.Type(key) {
	case typeNone:
		return false, nil
	case kind:
		return true, nil
	default:
		return false, errWrongType
	}
}

// deadline returns when key expires in ms, 0 if it does not.
func (s *store) deadline(key string) int64 { return int64(s.db.TTL(key)) }

// setDeadline sets when key, which is there, expires, in ms; 0 is never.
func (s *store) setDeadline(key string, ms int64) {
	s.db.SetTTL(key, time.Duration(ms))
	s.mark(key)
}

// mark notes that key has changed.
func (s *store) mark(key string) {
	if !slices.Contains(s.changed, key) {
		s.changed = append(s.changed, key)
	}
}

// del removes key and reports whether it was there.
func (s *store) del(key string) bool {
	was := s.db.Del(key)
	if was {
		s.mark(key)
	}
	return was
}

// keeping changes the value of key, but not its deadline.
func (s *store) keeping(key string, change func()) {
	at := s.deadline(key)
	change()
	if at != 0 && s.db.Exists(key) {
		s.setDeadline(key, at)
	}
}

// str returns a string; ok is false if there is no such key.
func (s *store) str(key string) (text string, ok bool, err error) {
	ok, err = s.has(key, typeString)
	if ok {
		text, _ = s.db.Get(key)
	}
	return text, ok, err
}

// put makes key a string without a deadline, whatever it was.
func (s *store) put(key, text string) {
	s.del(key)
	_ = s.db.Set(key, text)
	s.mark(key)
}

// update changes a string and keeps its deadline.
func (s *store) update(key, text string) { s.keeping(key, func() { s.put(key, text) }) }

// list returns the elements of a list, which are not to be changed.
func (s *store) list(key string) ([]string, error) {
	ok, err := s.has(key, typeList)
	if !ok {
		return nil, err
	}
	return s.db.List(key)
}

// setList changes a list and keeps its deadline. Without elements it is removed.
func (s *store) setList(key string, elements []string) {
	s.keeping(key, func() {
		s.del(key)
		if len(elements) > 0 {
			_ = s.push(key, elements...)
		}
	})
}

// push adds elements behind a list and returns how long it is then. The type of the key has
// been checked, as for all that follow.
func (s *store) push(key string, elements ...string) int {
	n, _ := s.db.Push(key, slices.Clone(elements)...)
	s.mark(key)
	return n
}

// pushFront adds an element before a list and returns how long it is then.
func (s *store) pushFront(key, element string) int {
	n, _ := s.db.Lpush(key, element)
	s.mark(key)
	return n
}

// popElement removes the element at one end of a list, which has some, and returns it.
func (s *store) popElement(key string, from end) (element string) {
	if from == left {
		element, _ = s.db.Lpop(key)
	} else {
		element, _ = s.db.Pop(key)
	}
	s.mark(key)
	return element
}

// sadd adds members to a set and returns how many were new.
func (s *store) sadd(key string, members ...string) int {
	n, _ := s.db.SetAdd(key, members...)
	if n > 0 {
		s.mark(key)
	}
	return n
}

// srem removes members from a set and returns how many were there.
func (s *store) srem(key string, members ...string) int {
	n, _ := s.db.SRem(key, members...)
	if n > 0 {
		s.mark(key)
	}
	return n
}

// zadd adds a member to a sorted set. There is one zero only, as where the server keeps
// scores as texts.
func (s *store) zadd(key string, m member) {
	if m.score == 0 {
		m.score = 0
	}
	_, _ = s.db.ZAdd(key, m.score, m.name)
	s.mark(key)
}

// zrem removes a member from a sorted set that is there, and reports whether it was a
// member.
func (s *store) zrem(key, name string) bool {
	was, _ := s.db.ZRem(key, name)
	if was {
		s.mark(key)
	}
	return was
}

func (s *store) hset(key, field, text string) {
	s.db.HSet(key, field, text)
	s.mark(key)
}

// hdel removes fields that are there. Without fields the hash is removed.
func (s *store) hdel(key string, fields ...string) {
	for _, field := range fields {
		s.db.HDel(key, field)
		s.mark(key)
	}
	if left, _ := s.db.HKeys(key); len(left) == 0 {
		s.del(key)
	}
}

// members returns the members of a set.
func (s *store) members(key string) ([]string, error) {
	ok, err := s.has(key, typeSet)
	if !ok {
		return nil, err
	}
	return s.db.Members(key)
}

// putSet makes key a set without a deadline, whatever it was. Without members it is
// removed.
func (s *store) putSet(key string, members []string) {
	s.del(key)
	if len(members) > 0 {
		_ = s.sadd(key, members...)
	}
}

// scores returns the members of a sorted set with their scores. The map is not to be
// changed.
func (s *store) scores(key string) (map[string]float64, error) {
	ok, err := s.has(key, typeZSet)
	if !ok {
		return nil, err
	}
	return s.db.SortedSet(key)
}

// putZSet makes key a sorted set without a deadline, whatever it was. Without members it
// is removed.
func (s *store) putZSet(key string, members []member) {
	s.del(key)
	for _, m := range members {
		s.zadd(key, m)
	}
}

// field returns what a field of a hash holds.
func (s *store) field(key, field string) (text string, ok bool, err error) {
	if ok, err = s.has(key, typeHash); !ok {
		return "", false, err
	}
	if text = s.db.HGet(key, field); text != "" {
		return text, true, nil
	}
	fields, err := s.db.HKeys(key)
	return "", slices.Contains(fields, field), err
}
