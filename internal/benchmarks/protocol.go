package main

import "time"

// request is what the driver asks of a worker: one of the fields is set. Each is a line
// of JSON, and so is the response.
type request struct {
	Open    *openRequest    `json:",omitempty"`
	Measure *measureRequest `json:",omitempty"`
	Cancel  *cancelRequest  `json:",omitempty"`
}

// openRequest is the first: connect, and prove to return the right values.
type openRequest struct {
	Client string
	Addrs  []string
}

// measureRequest asks for one slice.
type measureRequest struct {
	Cell         cell
	Ramp, Window time.Duration
}

type response struct {
	Error     string     `json:",omitempty"`
	Sample    *sample    `json:",omitempty"`
	Cancelled *cancelled `json:",omitempty"`
}
