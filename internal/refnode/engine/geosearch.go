package engine

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// geosearchNatives is GEOSEARCH. miniredis checks arguments before it looks at the key, and
// takes NaN for a number.
var geosearchNatives = map[string]native{"geosearch": (*cmd).geosearch}

// A geosearch is what GEOSEARCH is to find.
type geosearch struct {
	scores map[string]float64 // nil if there is no key
	center *position
	radius float64 // in meters
	box    *box
	unit   float64 // in meters; 0 as long as no area is given
	words  map[string]bool
	count  int64 // 0 is all
}

// A box is an area, its sides in meters.
type box struct{ width, height float64 }

// A hit is a member that was found.
type hit struct {
	member
	position
	distance float64 // in meters
}

func (c *cmd) geosearch() error {
	scores, err := c.scores(c.args[1])
	if err != nil {
		return err
	}
	g := geosearch{scores: scores, words: map[string]bool{}}
	if err := c.geosearchOptions(&g); err != nil {
		return err
	}
	hits := g.hits()
	c.array(len(hits))
	for _, h := range hits {
		c.hit(&g, h)
	}
	return nil
}

func (c *cmd) geosearchOptions(g *geosearch) error {
	for i := 2; i < len(c.args); {
		n, err := c.geosearchOption(g, i)
		if err != nil {
			return err
		}
		i += 1 + n
	}
	switch {
	case g.center == nil:
		return failure("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + c.args[0])
	case g.unit == 0:
		return failure("ERR exactly one of BYRADIUS and BYBOX can be specified for " + c.args[0])
	case g.words["any"] && g.count == 0:
		return failure("ERR the ANY argument requires COUNT argument")
	}
	return nil
}

// geosearchOption reads the option at i, and returns how many arguments it has.
func (c *cmd) geosearchOption(g *geosearch, i int) (n int, err error) {
	word, left := strings.ToLower(c.args[i]), c.left(i)
	switch {
	case slices.Contains([]string{"withdist", "withhash", "withcoord", "any", "asc", "desc"}, word):
		g.words[word] = true
		return 0, nil
	case word == "count" && left >= 1:
		g.count, err = c.int(i + 1)
		if err == nil && g.count <= 0 {
			err = failure("ERR COUNT must be > 0")
		}
		return 1, err
	case word == "frommember" && left >= 1 && g.center == nil:
		p, ok := positionOf(g.scores, c.args[i+1])
		if g.scores != nil && !ok {
			return 0, failure("ERR could not decode requested zset member")
		}
		g.center = &p
		return 1, nil
	case word == "fromlonlat" && left >= 2 && g.center == nil:
		p, err := c.position(i + 1)
		g.center = &p
		return 2, err
	case word == "byradius" && left >= 2 && g.unit == 0:
		return 2, c.within(g, i+1)
	case word == "bybox" && left >= 3 && g.unit == 0:
		return 3, c.withinBox(g, i+1)
	}
	return 0, errSyntax
}

// within reads a radius and its unit.
func (c *cmd) within(g *geosearch, i int) (err error) {
	if g.radius, err = c.float(i, "ERR need numeric radius"); err != nil {
		return err
	}
	if g.radius < 0 {
		return failure("ERR radius cannot be negative")
	}
	g.unit, err = c.unit(i + 1)
	g.radius *= g.unit
	return err
}

// withinBox reads a width, a height and their unit.
func (c *cmd) withinBox(g *geosearch, i int) (err error) {
	g.box = &box{}
	if g.box.width, err = c.float(i, "ERR need numeric width"); err != nil {
		return err
	}
	if g.box.height, err = c.float(i+1, "ERR need numeric height"); err != nil {
		return err
	}
	if g.box.width < 0 || g.box.height < 0 {
		return failure("ERR height or width cannot be negative")
	}
	g.unit, err = c.unit(i + 2)
	g.box.width, g.box.height = g.box.width*g.unit, g.box.height*g.unit
	return err
}

// holds reports whether a position is in the area.
func (g *geosearch) holds(p position) bool {
	if g.box == nil {
		return g.center.distance(p) <= g.radius
	}
	sameMeridian := position{g.center.longitude, p.latitude}
	return g.center.distance(sameMeridian) <= g.box.height/2 && sameMeridian.distance(p) <= g.box.width/2
}

// hits returns what is found, by distance if that is asked for, else by score.
func (g *geosearch) hits() (hits []hit) {
	for _, m := range inOrder(listed(g.scores)) {
		p, _ := positionOf(g.scores, m.name)
		if g.holds(p) {
			hits = append(hits, hit{m, p, g.center.distance(p)})
		}
	}
	nearest := func(a, b hit) int { return cmp.Compare(a.distance, b.distance) }
	switch {
	case g.words["desc"]:
		slices.SortStableFunc(hits, func(a, b hit) int { return nearest(b, a) })
	case g.words["asc"], g.count > 0 && !g.words["any"]:
		slices.SortStableFunc(hits, nearest)
	}
	if g.count > 0 {
		hits = hits[:min(g.count, int64(len(hits)))]
	}
	return hits
}

// hit replies one hit: the name, or an array if more is asked for.
func (c *cmd) hit(g *geosearch, h hit) {
	more := 0
	for _, word := range []string{"withdist", "withhash", "withcoord"} {
		if g.words[word] {
			more++
		}
	}
	if more > 0 {
		c.array(1 + more)
	}
	_ = c.bulk(h.name)
	if g.words["withdist"] {
		_ = c.bulk(strconv.FormatFloat(h.distance/g.unit, 'f', 4, 64))
	}
	if g.words["withhash"] {
		c.out = resp.AppendInt(c.out, int64(h.member.score))
	}
	if g.words["withcoord"] {
		c.coordinates(h.position)
	}
}
