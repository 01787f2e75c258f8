import { isObject, parseJson } from '@countersign/protocol'
import { readAtMost } from './read-at-most.js'

/** A refusal by a participant, in its own words. */
export interface ObservedRefusal {
  readonly origin: string
  /** The error code of protocol §8; empty when there is none. */
  readonly error: string
  readonly description: string
  /** Whether the request offered a listener on this machine as the `redirect_uri`. */
  readonly offeredLoopback: boolean
}

/** Bytes that are read of a refusal: an error of the protocol is far shorter. */
const longest = 8192
/** Refusals that are remembered: a call meets two or three. */
const most = 8

/** Sends requests, and remembers the refusals of participants other than the resource. */
export function observeRefusals(
  target: URL,
  send: typeof fetch = (input, init) => fetch(input, init),
): { readonly fetch: typeof fetch; all(): readonly ObservedRefusal[] } {
  let noted: readonly ObservedRefusal[] = []
  return {
    async fetch(input, init) {
      const request = new Request(input, init)
      const { origin } = new URL(request.url)
      const form = origin === target.origin || request.method !== 'POST' ? '' : await request.clone().text()
      const response = await send(request)
      if (origin === target.origin || response.status < 400) return response
      const said = await readRefusal(response.clone())
      const back = new URLSearchParams(form).get('redirect_uri') ?? ''
      const offeredLoopback = back.startsWith('http://127.0.0.1')
      if (said !== undefined) noted = [...noted, { ...said, origin, offeredLoopback }].slice(-most)
      return response
    },
    all: () => noted,
  }
}

async function readRefusal(response: Response): Promise<Pick<ObservedRefusal, 'error' | 'description'> | undefined> {
  try {
    const body = parseJson(await readAtMost(response, longest))
    const { error, error_description: description } = isObject(body) ? body : {}
    if (typeof description !== 'string' || description === '') return undefined
    return { error: typeof error === 'string' ? error : '', description }
  } catch {
    return undefined
  }
}
