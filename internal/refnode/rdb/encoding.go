package rdb

// The first byte of a payload: a kind of value and how it is encoded.
const (
	typeString         = 0
	typeList           = 1
	typeSet            = 2
	typeZSetText       = 3 // scores in decimal
	typeHash           = 4
	typeZSet           = 5 // scores in binary
	typeHashZipmap     = 9
	typeListZiplist    = 10
	typeSetIntset      = 11
	typeZSetZiplist    = 12
	typeHashZiplist    = 13
	typeListQuicklist  = 14 // of ziplists
	typeHashListpack   = 16
	typeZSetListpack   = 17
	typeListQuicklist2 = 18 // of listpacks and large elements
	typeSetListpack    = 20 // not before 7.2
)

// unsupported names the types that exist but are not read.
var unsupported = map[byte]string{
	6:  "module",
	7:  "module",
	15: "stream",
	19: "stream",
	21: "stream",
	22: "hash with field TTLs",
	23: "hash with field TTLs",
	24: "hash with field TTLs",
	25: "hash with field TTLs",
}

// A decoder reads a value of one type: its items, or the members of a sorted set.
type decoder struct {
	kind    Kind
	items   func(*reader) []string
	members func(*reader) []Member
}

var decoders = map[byte]decoder{
	typeList:           {kind: List, items: (*reader).list},
	typeSet:            {kind: Set, items: (*reader).list},
	typeHash:           {kind: Hash, items: (*reader).pairs},
	typeZSetText:       {kind: ZSet, members: (*reader).textScores},
	typeZSet:           {kind: ZSet, members: (*reader).binaryScores},
	typeHashZipmap:     {kind: Hash, items: packed((*reader).zipmap)},
	typeListZiplist:    {kind: List, items: packed((*reader).ziplist)},
	typeSetIntset:      {kind: Set, items: packed((*reader).intset)},
	typeZSetZiplist:    {kind: ZSet, members: packedScores((*reader).ziplist)},
	typeHashZiplist:    {kind: Hash, items: packed((*reader).ziplist)},
	typeListQuicklist:  {kind: List, items: (*reader).quicklist},
	typeHashListpack:   {kind: Hash, items: packed((*reader).listpack)},
	typeZSetListpack:   {kind: ZSet, members: packedScores((*reader).listpack)},
	typeListQuicklist2: {kind: List, items: (*reader).quicklist2},
	typeSetListpack:    {kind: Set, items: packed((*reader).listpack)},
}
