// Google's Go client drops its credentials when it is told of an emulator. This passes what it sends
// on to a server that wants them, with a JWT that a service-account key signs, and nothing else
// changed: HTTP/1.1 byte for byte (resets too), and HTTP/2 without TLS for gRPC.
//
//	go run go_credentials.go KEY_FILE SERVER HTTP_ADDRESS GRPC_ADDRESS
package main

import (
	"bufio"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const tokenLife = time.Hour

// What of a key file is needed.
type keyFile struct {
	ID    string `json:"private_key_id"`
	Key   string `json:"private_key"`
	Email string `json:"client_email"`
	key   *rsa.PrivateKey

	mutex  sync.Mutex
	token  string
	signed time.Time
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func readKey(path string) *keyFile {
	file := &keyFile{}
	if err := json.Unmarshal(must(os.ReadFile(path)), file); err != nil {
		log.Fatal(err)
	}
	block, _ := pem.Decode([]byte(file.Key))
	if block == nil {
		log.Fatal("the key file has no PEM key")
	}
	file.key = must(x509.ParsePKCS8PrivateKey(block.Bytes)).(*rsa.PrivateKey)
	return file
}

// The value of an Authorization header (AIP-4111: a self-signed JWT).
func (file *keyFile) authorization() string {
	file.mutex.Lock()
	defer file.mutex.Unlock()
	if time.Since(file.signed) < tokenLife/2 {
		return file.token
	}
	now := time.Now()
	encode := func(value map[string]any) string {
		return base64.RawURLEncoding.EncodeToString(must(json.Marshal(value)))
	}
	text := encode(map[string]any{"alg": "RS256", "typ": "JWT", "kid": file.ID}) + "." +
		encode(map[string]any{
			"iss": file.Email, "sub": file.Email, "aud": "https://storage.googleapis.com/",
			"iat": now.Unix(), "exp": now.Add(tokenLife).Unix(),
		})
	digest := sha256.Sum256([]byte(text))
	signature := must(rsa.SignPKCS1v15(rand.Reader, file.key, crypto.SHA256, digest[:]))
	file.token = "Bearer " + text + "." + base64.RawURLEncoding.EncodeToString(signature)
	file.signed = now
	return file.token
}

// One connection of HTTP/1.1: each request's head gets the header, all else passes.
func pass(client *net.TCPConn, server string, file *keyFile) {
	var reset atomic.Bool // a reset goes on as a reset
	defer func() {
		if reset.Load() {
			client.SetLinger(0)
		}
		client.Close()
	}()
	other, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	upstream := other.(*net.TCPConn)
	defer upstream.Close()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if _, err := io.Copy(client, upstream); errors.Is(err, syscall.ECONNRESET) {
			reset.Store(true)
		}
		client.SetReadDeadline(time.Now()) // no further request
	}()
	reader := bufio.NewReader(client)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		request.Header.Set("Authorization", file.authorization())
		if _, named := request.Header["User-Agent"]; !named {
			request.Header.Set("User-Agent", "") // none instead of Go's own
		}
		if err := request.Write(upstream); err != nil {
			// Whoever hears of a reset first, here or in the answer, is the only one to hear of it.
			if errors.Is(err, syscall.ECONNRESET) {
				reset.Store(true)
			}
			select {
			case <-answered: // it may be on its way
			case <-time.After(time.Second):
			}
			return
		}
	}
}

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: go_credentials KEY_FILE SERVER HTTP_ADDRESS GRPC_ADDRESS")
	}
	file, server := readKey(os.Args[1]), os.Args[2]
	listener := must(net.Listen("tcp", os.Args[3]))
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.Out.URL.Scheme, request.Out.URL.Host = "http", server
			// A body that can be closed: servers of gRPC end calls whose request has not ended, and
			// closing their answer waits for whoever reads the request.
			request.Out.Body = request.In.Body
			request.Out.Header.Set("Authorization", file.authorization())
		},
		Transport: &http.Transport{
			Protocols: protocols,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", server)
			},
			DisableCompression: true,
		},
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
	}
	grpc := &http.Server{Handler: proxy, Protocols: protocols, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { log.Fatal(grpc.Serve(must(net.Listen("tcp", os.Args[4])))) }()
	fmt.Println("ready")
	for {
		go pass(must(listener.Accept()).(*net.TCPConn), server, file)
	}
}
