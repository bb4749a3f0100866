package slotmesh_test

import (
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/slotmesh/slotmesh"

// mayImport is the table of DESIGN.md, "Who may call whom", with the packages that are
// to come: what the code of a package, without its tests, may import of ours. "x/..." is x
// and all below it, "." is the root, and "public" is every package without an internal in
// its path.
//
// What stands in nobody's list, internal/conformance, internal/difftest and
// internal/realcluster, is for tests only.
var mayImport = map[string][]string{
	// Pure: values in, values out.
	"hashtag": {},
	"slotmap": {"hashtag"},

	// The life of a command.
	"routing": {"hashtag", "slotmap", "internal/resp", "internal/wire"},
	"batch":   {"hashtag", "slotmap", "routing"},
	".":       {"hashtag", "slotmap", "routing", "batch"},
	"admin":   {".", "hashtag", "slotmap", "routing", "batch"},

	// The wire. The client and the reference node share the format, not the connections.
	"internal/resp": {},
	"internal/wire": {"internal/resp"},

	// The reference node knows nothing of the client that it tests.
	"internal/refnode":           {"hashtag", "internal/resp", "internal/refnode/..."},
	"internal/refnode/view":      {"hashtag", "internal/resp", "internal/refnode/decimal"},
	"internal/refnode/command":   {"internal/resp", "internal/refnode/glob"},
	"internal/refnode/engine":    {"internal/resp", "internal/refnode/command", "internal/refnode/decimal", "internal/refnode/glob", "internal/refnode/rdb"},
	"internal/refnode/rdb":       {"internal/refnode/decimal"},
	"internal/refnode/hll":       {},
	"internal/refnode/glob":      {},
	"internal/refnode/decimal":   {},
	"internal/refnode/transport": {},
	"clustertest":                {"hashtag", "internal/refnode/..."},

	// For tests.
	"internal/realcluster": {},
	"internal/conformance": {".", "hashtag", "slotmap", "routing", "batch"},
	"internal/difftest":    {},
	"internal/typedcheck":  {},

	// Programs.
	"examples/...":              {"public"},
	"routing/internal/gentable": {},

	"internal/refnode/command/internal/gentable": {},
}

func TestImports(t *testing.T) {
	packages := goList(t, "./...")
	require.Contains(t, packages, module)
	for pkg, imports := range packages {
		name := short(pkg)
		allowed, ok := allowedFor(name)
		if !ok {
			t.Errorf("package %s is in no row of the table: add it to mayImport in imports_test.go and to DESIGN.md, Who may call whom", name)
			continue
		}
		for _, imported := range imports {
			if ours(imported) && !matchesAny(allowed, short(imported)) {
				t.Errorf("package %s imports %s, it may import of ours: %q (mayImport in imports_test.go)", name, short(imported), allowed)
			}
		}
	}
}

// A service links what it needs to run, and nothing that is there for tests.
func TestServiceLinksNoTestCode(t *testing.T) {
	service := []string{".", "./hashtag", "./slotmap", "./routing", "./batch"}
	if _, err := os.Stat("admin"); err == nil {
		service = append(service, "./admin")
	}
	unwanted := []string{
		"github.com/alicebob/miniredis/...",
		"github.com/yuin/gopher-lua/...",
		"github.com/stretchr/testify/...",
		module + "/internal/realcluster/...",
		module + "/internal/conformance/...",
		module + "/internal/difftest/...",
		module + "/internal/refnode/...",
		module + "/clustertest/...",
		"testing/...",
	}
	packages := goList(t, append([]string{"-deps"}, service...)...)
	require.Contains(t, packages, module+"/hashtag")
	require.Contains(t, packages, "github.com/redis/go-redis/v9")
	for pkg, imports := range packages {
		if matchesAny(unwanted, pkg) {
			continue // whoever imports it is reported
		}
		for _, imported := range imports {
			if matchesAny(unwanted, imported) {
				t.Errorf("a service links %s: %s imports it", imported, pkg)
			}
		}
	}
}

// goList returns the packages that go list finds for args, each with what its
// code imports, without that of its tests.
func goList(t *testing.T, args ...string) map[string][]string {
	t.Helper()
	args = append([]string{"list", "-f", `{{.ImportPath}} {{join .Imports " "}}`}, args...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err, cmd)
	packages := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		packages[fields[0]] = fields[1:]
	}
	return packages
}

// allowedFor returns the row of the table for the package name, false if there is none.
func allowedFor(name string) (allowed []string, ok bool) {
	for pattern, allowed := range mayImport {
		if matches(pattern, name) {
			return allowed, true
		}
	}
	return nil, false
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, name) })
}

func matches(pattern, name string) bool {
	if pattern == "public" {
		return !slices.Contains(strings.Split(name, "/"), "internal")
	}
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == below || strings.HasPrefix(name, below+"/")
	}
	return name == pattern
}

func ours(pkg string) bool {
	return matches(module+"/...", pkg)
}

// short returns the name of a package of ours as the table has it.
func short(pkg string) string {
	return path.Clean(strings.TrimPrefix(strings.TrimPrefix(pkg, module), "/"))
}
