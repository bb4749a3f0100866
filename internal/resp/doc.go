// Package resp is the wire format of Redis in both directions, RESP2 and RESP3.
//
//	            requests                        replies
//	client      [AppendRequest], [AppendArg]    [Scanner]
//	server      [Reader]                        [AppendBulk], [Protocol.AppendMap] and their like
//
// A client cuts its replies with a [Scanner] and decodes them elsewhere. What is
// written is appended to a buffer of the caller's, and does not fail but for
// arguments that cannot be encoded.
package resp
