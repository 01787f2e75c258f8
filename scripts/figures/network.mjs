// Participants in one process, on one clock, and a record of what they send each other.
import { createDiscovery } from '@countersign/discovery'
import { fromRequest } from '@countersign/httpsig'

/** 2027-01-15T08:00:00Z, in Unix seconds. */
const start = 1_800_000_000

/**
 * A network without sockets. `add(origin, server)` puts a server into it, `fetchAs(name)` is the `fetch` of a participant, whose
 * requests are recorded, and `answer(origin, message)` answers one that is not. Metadata and keys are fetched without a record.
 */
export function openNetwork() {
  const servers = new Map()
  // Servers open long before: a replay set refuses unsafe requests from before its start.
  const clock = { now: start - 1000 }
  const messages = []
  const now = () => clock.now
  const answer = (origin, message) => servers.get(origin)(message)
  const fetcher = async url => {
    const { host, origin, pathname } = new URL(url)
    const response = await answer(origin, { method: 'GET', target: pathname, headers: [['host', host]] })
    const body = new Uint8Array(await response.arrayBuffer())
    return { status: response.status, contentType: response.headers.get('content-type') ?? '', body }
  }
  const fetchAs = from => async (input, init) => {
    const request = new Request(input, init)
    const { origin } = new URL(request.url)
    const [message, text] = [await fromRequest(request.clone(), { bodyLimit: 65_536 }), await request.text()]
    const sent = { from, to: origin, request: { method: request.method, target: message.target, text } }
    sent.request.headers = new Headers(request.headers)
    messages.push(sent)
    const response = await answer(origin, message)
    messages.push({ from: origin, to: from, response: { status: response.status, headers: response.headers } })
    const answered = messages.at(-1).response
    if (!response.headers.get('content-type')?.startsWith('text/event-stream'))
      answered.text = await response.clone().text()
    return response
  }
  return {
    messages,
    answer,
    fetchAs,
    now,
    fetcher,
    shared: { now, discovery: createDiscovery({ fetcher, now }) },
    add: (origin, server) => servers.set(origin, server),
    begin: () => {
      clock.now = start
      messages.length = 0
    },
    pass: seconds => {
      clock.now += seconds
    },
  }
}

/** A resource with routes, `{ '/path': [requirement, handler] }`: well-known paths, then the guard, then the handler. */
export function guarded(resource, routes) {
  const byPath = new Map(
    Object.entries(routes).map(([path, [requirement, handler]]) => [
      path,
      { requirement: resource.declare(requirement), handler },
    ]),
  )
  return async message => {
    const known = await resource.handle(message)
    if (known !== undefined) return known
    const { requirement, handler } = byPath.get(message.target.split('?')[0])
    const authorization = await resource.authorize(message, requirement)
    if (!authorization.ok) return authorization.response
    const response = Response.json(await handler(authorization.aauth))
    resource.responseHeaders(response, requirement, message)
    return response
  }
}
