package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if isWorker() {
		workerMain()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// settings are what the flags say.
type settings struct {
	cells    []cell
	clients  []spec
	rounds   int
	slice    time.Duration
	addrs    []string
	out      string
	markdown bool
	cancel   bool
	samples  int
}

// run is the program; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "benchmarks:", err)
		return 2
	}
	if s.cancel {
		err = showCancel(ctx, s, stdout)
	} else {
		err = compare(ctx, s, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "benchmarks:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (*settings, error) {
	flags := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var s settings
	set := flags.String("cells", "quick", "`quick`, the cells that have a goal, or full, all of them")
	only := flags.String("only", "", "only cells whose names match this `regexp`, as get/64B/256")
	clients := flags.String("clients", "", "`names` of clients, separated by commas (default all: "+strings.Join(clientNames(), ",")+")")
	spin := flags.String("spin", "", "`off`, on or both: goroutines that spin (default off for quick, both for full)")
	procs := flags.String("procs", "", "values of GOMAXPROCS, `n,...` (default the machine's for quick, 1,2,8 for full)")
	addrs := flags.String("addrs", "", "nodes of a cluster that runs already, `host:port,...`; its keys bench:... are overwritten")
	flags.IntVar(&s.rounds, "rounds", 0, "slices of each client in each cell (default 9 for quick, 3 for full)")
	flags.DurationVar(&s.slice, "slice", 400*time.Millisecond, "length of a slice's window; up to six times that where calls are few")
	flags.StringVar(&s.out, "out", "", "write all figures of all rounds to this `file`, as JSON")
	flags.BoolVar(&s.markdown, "markdown", false, "print the table of the README; the rest goes to standard error")
	flags.BoolVar(&s.cancel, "cancel", false, "measure how long after its context's cancel a call returns")
	flags.IntVar(&s.samples, "samples", 300, "calls to cancel in each state, for -cancel")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if *addrs != "" {
		s.addrs = strings.Split(*addrs, ",")
	}
	var err error
	if s.clients, err = pickClients(*clients); err != nil {
		return nil, err
	}
	return &s, s.pickCells(*set, *only, *spin, *procs)
}

// pickCells resolves the flags whose defaults depend on the set of cells.
func (s *settings) pickCells(set, only, spin, procs string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	quick := set == "quick"
	if !quick && set != "full" {
		return fmt.Errorf("-cells %q: there are quick and full", set)
	}
	if s.rounds == 0 {
		s.rounds = choose(quick, 9, 3)
	}
	if s.rounds < 1 || s.slice <= 0 || s.samples < 1 {
		return errors.New("-rounds, -slice and -samples must be positive")
	}
	spins, err := parseSpin(spin, quick)
	if err != nil {
		return err
	}
	counts, err := parseProcs(procs, quick)
	if err != nil {
		return err
	}
	s.cells = matching(allCells(choose(quick, goalShapes, fullShapes)(), spins, counts), pattern)
	if len(s.cells) == 0 {
		return fmt.Errorf("no cell matches %q", only)
	}
	return nil
}

func parseSpin(text string, quick bool) ([]bool, error) {
	switch text {
	case "":
		return choose(quick, []bool{false}, []bool{false, true}), nil
	case "off":
		return []bool{false}, nil
	case "on":
		return []bool{true}, nil
	case "both":
		return []bool{false, true}, nil
	}
	return nil, fmt.Errorf("-spin %q: there are off, on and both", text)
}

func parseProcs(text string, quick bool) ([]int, error) {
	if text == "" {
		return choose(quick, []int{runtime.GOMAXPROCS(0)}, []int{1, 2, 8}), nil
	}
	var counts []int
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-procs: %q is no number of processors", word)
		}
		counts = append(counts, n)
	}
	return counts, nil
}

func choose[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}
