package engine

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// geoNatives show where members are. miniredis shows six decimals, and has another idea of
// the size of the earth.
var geoNatives = map[string]native{
	"geoadd":  (*cmd).geoadd,
	"geodist": (*cmd).geodist,
	"geopos":  (*cmd).geopos,
}

// A position is a point on the earth, in degrees.
type position struct{ longitude, latitude float64 }

// What a score says is a cell of the earth: of 2^26 by 2^26, their numbers interleaved bit
// by bit. The poles are beyond the last.
const (
	cellBits      = 26
	mostLatitude  = 85.05112878
	mostLongitude = 180
)

// positionOf returns where a member is, which its score says.
func positionOf(scores map[string]float64, name string) (p position, ok bool) {
	score, ok := scores[name]
	cell := uint64(int64(score))
	return position{center(cell>>1, mostLongitude), center(cell, mostLatitude)}, ok
}

// center returns the middle of the cell whose number has every second bit of bits, in
// degrees from -most to most. Other scores than those of GEOADD lie beyond.
func center(bits uint64, most float64) float64 {
	n := uint64(0)
	for i := range 32 {
		n |= bits >> (2 * i) & 1 << i
	}
	edge := func(n uint64) float64 { return -most + float64(n)/(1<<cellBits)*(2*most) }
	return min((edge(n)+edge(n+1))/2, most)
}

// score returns the score of a member that is here.
func (p position) score() float64 {
	number := func(degrees, most float64) uint64 {
		return uint64((degrees + most) / (2 * most) * (1 << cellBits))
	}
	longitude, latitude := number(p.longitude, mostLongitude), number(p.latitude, mostLatitude)
	cell := uint64(0)
	for i := range cellBits {
		cell |= (longitude>>i&1)<<(2*i+1) | (latitude>>i&1)<<(2*i)
	}
	return float64(cell)
}

// geoadd is ZADD of positions, with fewer options.
func (c *cmd) geoadd() error {
	a, first := addition{}, 2
	for ; first < len(c.args); first++ {
		word := strings.ToLower(c.args[first])
		if !slices.Contains([]string{"nx", "xx", "ch"}, word) {
			break
		}
		a[word] = true
	}
	if (len(c.args)-first)%3 != 0 || a["nx"] && a["xx"] {
		return errSyntax
	}
	var members []member
	for i := first; i < len(c.args); i += 3 {
		p, err := c.position(i)
		if err != nil {
			return err
		}
		members = append(members, member{c.args[i+2], p.score()})
	}
	return c.addAll(a, members)
}

// position reads a longitude and a latitude.
func (c *cmd) position(i int) (p position, err error) {
	if p.longitude, err = c.float(i, errFloat); err != nil {
		return p, err
	}
	if p.latitude, err = c.float(i+1, errFloat); err != nil {
		return p, err
	}
	if math.Abs(p.longitude) > mostLongitude || math.Abs(p.latitude) > mostLatitude {
		return p, failure(fmt.Sprintf("ERR invalid longitude,latitude pair %f,%f", p.longitude, p.latitude))
	}
	return p, nil
}

// degrees replies an angle.
func (c *cmd) degrees(angle float64) {
	text := longText(big.NewFloat(angle))
	if c.proto == resp.RESP3 {
		c.out = append(c.out, string(resp.Double)+text+"\r\n"...)
		return
	}
	_ = c.bulk(text)
}

func (c *cmd) geopos() error {
	scores, err := c.scores(c.args[1])
	if err != nil {
		return err
	}
	c.array(len(c.args) - 2)
	for _, name := range c.args[2:] {
		p, ok := positionOf(scores, name)
		if !ok {
			_ = c.nullArray()
			continue
		}
		c.coordinates(p)
	}
	return nil
}

func (c *cmd) coordinates(p position) {
	c.array(2)
	c.degrees(p.longitude)
	c.degrees(p.latitude)
}

// earth is its radius in meters.
const earth = 6372797.560856

// metersIn are the units of distances.
var metersIn = map[string]float64{"m": 1, "km": 1000, "ft": 0.3048, "mi": 1609.34}

func (c *cmd) unit(i int) (meters float64, err error) {
	meters, ok := metersIn[strings.ToLower(c.args[i])]
	if !ok {
		return 0, failure("ERR unsupported unit provided. please use M, KM, FT, MI")
	}
	return meters, nil
}

// distance returns how far apart two points are, in meters.
func (p position) distance(q position) float64 {
	radians := func(degrees float64) float64 { return degrees * (math.Pi / 180) }
	lat1, lat2 := radians(p.latitude), radians(q.latitude)
	v := math.Sin((radians(q.longitude) - radians(p.longitude)) / 2)
	u := math.Sin((lat2 - lat1) / 2)
	if v == 0 {
		return earth * math.Abs(lat2-lat1)
	}
	return 2 * earth * math.Asin(math.Sqrt(u*u+math.Cos(lat1)*math.Cos(lat2)*v*v))
}

func (c *cmd) geodist() error {
	unit := 1.0
	switch len(c.args) {
	case 4:
	case 5:
		var err error
		if unit, err = c.unit(4); err != nil {
			return err
		}
	default:
		return errSyntax
	}
	scores, err := c.scores(c.args[1])
	if err != nil {
		return err
	}
	from, ok1 := positionOf(scores, c.args[2])
	to, ok2 := positionOf(scores, c.args[3])
	if !ok1 || !ok2 {
		return c.null()
	}
	return c.bulk(strconv.FormatFloat(from.distance(to)/unit, 'f', 4, 64))
}
