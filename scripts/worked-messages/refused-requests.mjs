// Changes of one accepted request, each of which must be refused: the twins of the message they are made from.
import { roomsId } from './participants.mjs'
import { signedRequest } from './signed-request.mjs'

const of = 'consent-authorized'

/**
 * Sends the changed requests to the real resource. `event` is how the accepted one was made.
 * Each is `{ of, change, time, request, answer }`; of the answer what the protocol says, not the words of this implementation.
 */
export async function refusedRequests(stage, event) {
  const accepted = stage.messages.find(({ name }) => name === of).request
  const changed = [...alterations(accepted), ...(await otherwiseSigned(stage, event))]
  const now = stage.clock.now
  const refused = []
  for (const { change, request, later = 0 } of changed) {
    stage.clock.now = now + later
    stage.beginRandom(`refused: ${change}`)
    const response = await stage.participants.answer(new URL(request.url).origin, receivedOf(request))
    const { error } = await response.json()
    if (response.status < 400) throw new Error(`not refused: ${change}`)
    refused.push({ of, change, time: stage.clock.now, request, answer: { status: response.status, error } })
  }
  stage.clock.now = now
  return refused
}

/** The accepted request, altered on the way or sent once more. */
function alterations(accepted) {
  const without = name => ({ ...accepted, headers: accepted.headers.filter(([header]) => header !== name) })
  const header = (name, from, to) => ({
    ...accepted,
    headers: accepted.headers.map(([own, value]) => [own, own === name ? value.replace(from, to) : value]),
  })
  const at = (target, method = accepted.method) => ({
    ...accepted,
    method,
    target,
    url: new URL(target, accepted.url).href,
  })
  return [
    { change: 'the same request once more', request: accepted },
    { change: 'the same request once more, 61 seconds later', request: accepted, later: 61 },
    { change: 'another method', request: at(accepted.target, 'PUT') },
    { change: 'another path', request: at('/events') },
    { change: 'a query', request: at(`${accepted.target}?notify=all`) },
    { change: 'one byte of the body', request: { ...accepted, body: accepted.body.replace('Chess', 'Chest') } },
    { change: '`content-type` is another', request: header('content-type', 'json', 'xml') },
    { change: 'no `content-digest`', request: without('content-digest') },
    { change: 'no `signature-key`', request: without('signature-key') },
    { change: '`created` is a second later', request: header('signature-input', /created=\d+/, 'created=1800002727') },
    { change: '`@path` is not covered', request: header('signature-input', '"@path" ', '') },
    { change: 'the labels differ', request: header('signature-key', 'sig=', 'other=') },
    { change: 'an unknown scheme', request: header('signature-key', 'sig=jwt;', 'sig=unknown;') },
  ]
}

/** Requests that are signed well, and show what does not count. */
async function otherwiseSigned(stage, event) {
  const thief = await signedRequest(stage, { ...event, name: 'thief', key: 'phoneNext' })
  const elsewhere = { ...event, method: 'GET', json: undefined, url: `${roomsId}/rooms` }
  const away = await signedRequest(stage, { ...elsewhere, name: 'elsewhere' })
  const now = stage.clock.now
  stage.clock.now = now + 600
  const late = await signedRequest(stage, { ...event, name: 'late' })
  stage.clock.now = now
  return [
    { change: 'signed anew, by another key than the token’s', request: thief.request },
    { change: 'signed anew, after the token’s `exp`', request: late.request, later: 600 },
    { change: 'signed anew, for a resource that does not trust the token’s issuer', request: away.request },
  ]
}

function receivedOf({ method, target, headers, body }) {
  return { method, target, headers, ...(body === undefined ? {} : { body: new TextEncoder().encode(body) }) }
}
