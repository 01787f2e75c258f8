import { isObject, nameIn, parseJson, reasonName } from '@countersign/protocol/internal'
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

/** The code and the reason that a refused response names. */
export interface RefusalNames {
  readonly error?: string | undefined
  readonly reason?: string | undefined
}

/** Reads the names in the body of a refusal; undefined when it has none. Anything that is no name is left out. */
export function refusalNames(body: string): RefusalNames | undefined {
  try {
    const json = parseJson(new TextEncoder().encode(body))
    const { error, reason } = isObject(json) ? json : {}
    // The code of an API that does not speak AAuth may have digits, as a reason may.
    const names = { error: nameIn(error, reasonName), reason: nameIn(reason, reasonName) }
    return names.error === undefined ? undefined : names
  } catch {
    return undefined
  }
}
