// One message: signed, answered by the real server, and noted; and what the next one needs of it.
import { callback } from './participants.mjs'
import { signedRequest } from './signed-request.mjs'
import { agree } from './user-browser.mjs'

/** Unix seconds of the first message: 2027-01-15T08:00:00Z. */
export const start = 1_800_000_000

/** The resource token of the challenge that came last. */
export function resourceTokenOf({ messages }) {
  const [, challenge = ''] = messages.at(-1).response.headers.find(([name]) => name === 'agent-auth') ?? []
  const [, token] = /resource_token="([^"]+)"/.exec(challenge) ?? []
  if (token === undefined) throw new Error(`${messages.at(-1).name}: no resource token`)
  return token
}

/** Signs a request, has it answered by the real server, and notes both. Returns the answer's JSON. */
export async function exchanged(stage, { name, at, section, key, ...asked }) {
  stage.clock.now = start + at
  stage.beginRandom(name)
  const signed = await signedRequest(stage, { name, key, ...asked })
  const { request, signature } = signed
  const response = await stage.participants.answer(new URL(request.url).origin, signed.received)
  const text = await response.text()
  stage.messages.push({
    name,
    section,
    time: stage.clock.now,
    request,
    signature,
    response: { status: response.status, headers: [...response.headers], ...(text === '' ? {} : { body: text }) },
  })
  return text === '' ? {} : JSON.parse(text)
}

/** The user's browser opens a page, agrees, and comes back with the answer. Both URLs are noted with the message before. */
export async function visit(stage, { at, url, query }) {
  stage.clock.now = start + at
  stage.beginRandom(at === 2720 ? 'visit' : `visit ${at}`)
  const opens = `${url}${url.includes('?') ? '&' : '?'}${new URLSearchParams(query)}`
  const returns = await agree(stage.participants.answer, opens, callback)
  stage.messages.at(-1).browser = { opens, returns }
  return new URL(returns).searchParams
}
