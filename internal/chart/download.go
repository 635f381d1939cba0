package chart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const attempts = 4

// get downloads at most limit bytes. Broken connections, 429 and 5xx are tried
// again a few times; everything else is an answer.
func (s *Source) get(ctx context.Context, address string, limit int64) ([]byte, error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = 200 * time.Millisecond
	return backoff.Retry(ctx, func() ([]byte, error) {
		return s.once(ctx, address, limit)
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(attempts))
}

func (s *Source) once(ctx context.Context, address string, limit int64) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, backoff.Permanent(fmt.Errorf("address %q: %w", address, err))
	}
	answer, err := s.client().Do(request)
	if err != nil {
		return nil, fmt.Errorf("download: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		err := fmt.Errorf("download %s: the server answers %s", address, answer.Status)
		if answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= http.StatusInternalServerError {
			return nil, err
		}
		return nil, backoff.Permanent(err)
	}
	data, err := limited(answer.Body, limit)
	if err != nil {
		err = fmt.Errorf("download %s: %w", address, err)
		if errors.Is(err, errTooLarge) {
			return nil, backoff.Permanent(err)
		}
		return nil, err
	}
	return data, nil
}

// limited reads all of r, or fails if there is more than limit bytes of it.
func limited(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: more than %d MiB", errTooLarge, limit>>20)
	}
	return data, nil
}
