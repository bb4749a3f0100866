package refnode

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/command"
)

// infoSections are what INFO shows, in its order.
var infoSections = []infoSection{
	{title: "Server", write: (*Node).infoServer},
	{title: "Clients", write: (*Node).infoClients},
	{title: "Memory", write: (*Node).infoMemory},
	{title: "Persistence", write: (*Node).infoPersistence},
	{title: "Stats", write: (*Node).infoStats},
	{title: "Replication", write: (*Node).infoReplication},
	{title: "Modules", alias: "module_list", write: func(*Node, *info) {}},
	{title: "Commandstats", onRequest: true, write: (*Node).infoCommands},
	{title: "Errorstats", write: (*Node).infoErrors},
	{title: "Cluster", write: func(_ *Node, i *info) { i.add("cluster_enabled", 1) }},
	{title: "Keyspace", write: (*Node).infoKeyspace},
}

type infoSection struct {
	title     string
	alias     string
	onRequest bool // not shown by default
	write     func(*Node, *info)
}

// info is the text of INFO, as it grows.
type info struct{ text bytes.Buffer }

func (i *info) add(name string, value any) { fmt.Fprintf(&i.text, "%s:%v\r\n", name, value) }

// info is INFO [section...].
func (r *request) info() {
	var i info
	for _, section := range infoSections {
		if !section.wanted(r.args[1:]) {
			continue
		}
		if i.text.Len() > 0 {
			i.text.WriteString("\r\n")
		}
		fmt.Fprintf(&i.text, "# %s\r\n", section.title)
		section.write(r.node, &i)
	}
	r.verbatim(i.text.String())
}

// wanted reports whether the section is among those asked for, in any case; a name that
// is none asks for nothing.
func (s *infoSection) wanted(names [][]byte) bool {
	if len(names) == 0 {
		return !s.onRequest
	}
	return slices.ContainsFunc(names, func(arg []byte) bool {
		switch name := strings.ToLower(string(arg)); name {
		case "all", "everything":
			return true
		case "default":
			return !s.onRequest
		default:
			return name != "" && (name == strings.ToLower(s.title) || name == s.alias)
		}
	})
}

func (n *Node) infoServer(i *info) {
	now := n.cfg.Clock.Now()
	uptime := now.Sub(n.started)
	_, port := splitAddr(n.addr)
	i.add("redis_version", redisVersion)
	i.add("redis_mode", "cluster")
	i.add("os", runtime.GOOS+" "+runtime.GOARCH)
	i.add("arch_bits", strconv.IntSize)
	i.add("process_id", os.Getpid())
	i.add("run_id", n.runID)
	i.add("tcp_port", port)
	i.add("server_time_usec", now.UnixMicro())
	i.add("uptime_in_seconds", int64(uptime/time.Second))
	i.add("uptime_in_days", int64(uptime/(24*time.Hour)))
	i.add("config_file", "")
}

// splitAddr splits the address of a node.
func splitAddr(addr string) (host, port string) {
	host, port, _ = net.SplitHostPort(addr) // it comes from a net.TCPAddr
	return host, port
}

func (n *Node) infoClients(i *info) {
	i.add("connected_clients", n.sessions.count())
	i.add("cluster_connections", 0)
	i.add("maxclients", n.parameter("maxclients"))
	i.add("blocked_clients", len(n.blocked.all))
	i.add("tracking_clients", 0)
}

// infoMemory shows the memory of the whole process: nobody counts that of one node.
func (n *Node) infoMemory(i *info) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(sample)
	i.add("used_memory", sample[0].Value.Uint64())
	i.add("used_memory_rss", sample[1].Value.Uint64())
	i.add("number_of_cached_scripts", len(n.scripts))
	i.add("maxmemory", n.parameter("maxmemory"))
	i.add("maxmemory_policy", n.parameter("maxmemory-policy"))
}

// infoPersistence says what a server without persistence does.
func (n *Node) infoPersistence(i *info) {
	i.add("loading", 0)
	i.add("async_loading", 0)
	i.add("rdb_bgsave_in_progress", 0)
	i.add("rdb_last_save_time", n.started.Unix())
	i.add("rdb_last_bgsave_status", "ok")
	i.add("aof_enabled", 0)
	i.add("aof_rewrite_in_progress", 0)
	i.add("aof_rewrite_scheduled", 0)
	i.add("aof_last_bgrewrite_status", "ok")
	i.add("aof_last_write_status", "ok")
}

func (n *Node) infoStats(i *info) {
	i.add("total_connections_received", n.stats.connections)
	i.add("total_commands_processed", n.stats.commands)
	i.add("rejected_connections", 0)
	i.add("sync_full", 0)
	i.add("sync_partial_ok", 0)
	i.add("sync_partial_err", 0)
	i.add("expired_keys", n.stats.expired)
	i.add("evicted_keys", 0)
	i.add("evicted_clients", 0)
	i.add("pubsub_channels", 0)
	i.add("pubsub_patterns", 0)
	i.add("pubsubshard_channels", 0)
	i.add("total_error_replies", n.stats.failures)
}

func (n *Node) infoReplication(i *info) {
	replID := n.runID
	if n.isReplica() {
		n.infoReplica(i)
		if master := n.master(); master != nil {
			replID = master.runID // a history has one name wherever it is
		}
	} else {
		i.add("role", "master")
	}
	i.add("connected_slaves", len(n.followers))
	for k, f := range n.followers {
		ip, port := splitAddr(f.node.addr)
		i.add("slave"+strconv.Itoa(k), fmt.Sprintf("ip=%s,port=%s,state=online,offset=%d,lag=0", ip, port, n.offset-f.lag()))
	}
	i.add("master_failover_state", "no-failover")
	i.add("master_replid", replID)
	i.add("master_replid2", strings.Repeat("0", 40))
	i.add("master_repl_offset", n.offset)
	i.add("second_repl_offset", -1)
	i.add("repl_backlog_active", 0)
	i.add("repl_backlog_size", 1<<20)
	i.add("repl_backlog_first_byte_offset", 0)
	i.add("repl_backlog_histlen", 0)
}

// infoReplica is what only a replica shows.
func (n *Node) infoReplica(i *info) {
	master := n.viewOfMaster()
	i.add("role", "slave")
	i.add("master_host", master.IP)
	i.add("master_port", master.Port)
	i.add("master_link_status", map[bool]string{true: "up", false: "down"}[n.follows()])
	i.add("master_last_io_seconds_ago", map[bool]int{true: 0, false: -1}[n.follows()])
	i.add("master_sync_in_progress", 0)
	i.add("slave_read_repl_offset", n.offset)
	i.add("slave_repl_offset", n.offset)
	i.add("slave_priority", 100)
	i.add("slave_read_only", 1)
	i.add("replica_announced", 1)
}

// infoCommands shows how often commands ran. How long they took is not measured: the
// fields are there for those who parse the line.
func (n *Node) infoCommands(i *info) {
	byName := func(a, b *command.Spec) int { return cmp.Compare(a.Name, b.Name) }
	for _, spec := range slices.SortedFunc(maps.Keys(n.stats.calls), byName) {
		c := n.stats.calls[spec]
		i.add("cmdstat_"+spec.Name, fmt.Sprintf("calls=%d,usec=0,usec_per_call=0.00,rejected_calls=%d,failed_calls=%d",
			c.ran, c.rejected, c.failed))
	}
}

func (n *Node) infoErrors(i *info) {
	for _, code := range slices.Sorted(maps.Keys(n.stats.byCode)) {
		i.add("errorstat_"+code, fmt.Sprintf("count=%d", *n.stats.byCode[code]))
	}
}

// infoKeyspace says nothing if there are no keys: that is how redis-cli sees an empty node.
func (n *Node) infoKeyspace(i *info) {
	if n.keys.count == 0 {
		return
	}
	expires, left := len(n.keys.deadlines.byAge), time.Duration(0)
	now := n.now()
	for _, d := range n.keys.deadlines.byAge {
		left += max(d.at.Sub(now), 0) / time.Duration(expires)
	}
	i.add("db0", fmt.Sprintf("keys=%d,expires=%d,avg_ttl=%d", n.keys.count, expires, left.Milliseconds()))
}
