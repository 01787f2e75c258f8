import { isObject, parseJson } from '@countersign/protocol'

/** What a participant said when it refused, in its own words. */
export interface SaidRefusal {
  readonly origin: string
  readonly description: string
  /** The agent had offered a listener of this machine for its user to come back to. */
  readonly offeredLoopback: boolean
}

/** Bytes of a refusal that are read: an error of the protocol is far shorter. */
const longest = 8192

/** Passes requests on, and notes how those that are no answer of the resource's own were refused. */
export function notingRefusals(
  target: URL,
  send: typeof fetch = (input, init) => fetch(input, init),
): { readonly fetch: typeof fetch; last(): SaidRefusal | undefined } {
  let last: SaidRefusal | undefined
  return {
    async fetch(input, init) {
      const request = new Request(input, init)
      const { origin } = new URL(request.url)
      const form = origin === target.origin || request.method !== 'POST' ? '' : await request.clone().text()
      const response = await send(request)
      if (origin === target.origin || response.status < 400) return response
      const description = await descriptionOf(response.clone())
      const back = new URLSearchParams(form).get('redirect_uri') ?? ''
      if (description !== undefined)
        last = { origin, description, offeredLoopback: back.startsWith('http://127.0.0.1') }
      return response
    },
    last: () => last,
  }
}

async function descriptionOf(response: Response): Promise<string | undefined> {
  try {
    const text = new Uint8Array(await response.arrayBuffer())
    const error = parseJson(text, { maxBytes: longest })
    const description = isObject(error) ? error['error_description'] : undefined
    return typeof description === 'string' && description !== '' ? description : undefined
  } catch {
    return undefined
  }
}
