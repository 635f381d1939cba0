package customresource

import "context"

// typed is a Handler behind the resource interface.
type typed[P, D any] struct {
	handler Handler[P, D]
}

func (t typed[P, D]) handle(ctx context.Context, ev event, run *attempt) outcome {
	r := Request[P]{
		Type:         ev.RequestType,
		RequestID:    ev.RequestID,
		StackID:      ev.StackID,
		LogicalID:    ev.LogicalResourceID,
		ResourceType: ev.ResourceType,
		PhysicalID:   ev.PhysicalResourceID,
	}
	if r.Type == Delete {
		return t.remove(ctx, ev, r, run)
	}
	props, err := decodeStrict[P](ev.ResourceProperties)
	if err != nil {
		return outcome{err: err}
	}
	r.Props = props
	return t.make(ctx, ev, r, run)
}

// make runs Create or Update.
func (t typed[P, D]) make(ctx context.Context, ev event, r Request[P], run *attempt) outcome {
	method := t.handler.Create
	switch {
	case r.Type == Create:
		r.PhysicalID = ""
	case isMarker(r.PhysicalID) || !t.handler.Owns(r.PhysicalID):
		// Behind this ID is nothing of ours to update: its Create failed, or it
		// was made by something else. CloudFormation sees a new ID in the answer
		// and sends a Delete for the old one.
		run.log.WarnContext(ctx, "making anew: not an ID of this handler", "physicalId", r.PhysicalID)
		r.Type, r.PhysicalID = Create, ""
	default:
		method = t.handler.Update
		r.OldProps = decodeLenient[P](ctx, run.log, ev.OldResourceProperties)
	}
	if h, ok := t.handler.(Identifier[P]); ok {
		run.identify(h.Identify(r))
	}
	res, err := method(ctx, r)
	out := outcome{physicalID: res.PhysicalID, noEcho: res.NoEcho, err: err}
	if err == nil {
		out.data, out.err = dataOf(res.Data)
	}
	return out
}

// remove runs Delete if there can be something to delete.
func (t typed[P, D]) remove(ctx context.Context, ev event, r Request[P], run *attempt) outcome {
	if r.PhysicalID == "" || isMarker(r.PhysicalID) || !t.handler.Owns(r.PhysicalID) {
		run.log.InfoContext(ctx, "nothing to delete: not an ID of this handler", "physicalId", r.PhysicalID)
		return outcome{}
	}
	r.Props = decodeLenient[P](ctx, run.log, ev.ResourceProperties)
	return outcome{err: t.handler.Delete(ctx, r)}
}
