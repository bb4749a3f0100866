package view

import "strconv"

// refusals are the error lines that say nothing about where to go.
var refusals = [...]string{
	TryAgain:     "-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
	CrossSlot:    "-CROSSSLOT Keys in request don't hash to the same slot\r\n",
	Unserved:     "-CLUSTERDOWN Hash slot not served\r\n",
	Down:         "-CLUSTERDOWN The cluster is down\r\n",
	DownReadOnly: "-CLUSTERDOWN The cluster is down and only accepts read commands\r\n",
}

// AppendError appends to dst the error line of a decision, nothing if it is [Serve].
func (v *View) AppendError(dst []byte, d Decision) []byte {
	switch d.Kind {
	case Moved:
		return v.appendRedirect(append(dst, "-MOVED "...), d)
	case Ask:
		return v.appendRedirect(append(dst, "-ASK "...), d)
	default:
		return append(dst, refusals[d.Kind]...)
	}
}

func (v *View) appendRedirect(dst []byte, d Decision) []byte {
	dst = strconv.AppendUint(dst, uint64(d.Slot), 10)
	dst = append(dst, ' ')
	dst = append(dst, v.endpoint(d.Node)...)
	dst = append(dst, ':')
	dst = strconv.AppendInt(dst, int64(d.Node.Port), 10)
	return append(dst, "\r\n"...)
}
