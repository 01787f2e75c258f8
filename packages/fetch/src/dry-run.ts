import { explainSignature } from '@countersign/httpsig'
import { onOneLine, printLines } from './output.js'

/** A request that was made, and signed if the agent signs, but not sent. */
export interface Unsent {
  readonly request: Request
  readonly body: Uint8Array
}

/**
 * Stands in for the network and captures the first signed request of an agent. An unsigned request gets the challenge that a
 * resource would answer.
 * @param challenge undefined when nothing is signed: then the first request is captured
 */
export function captureFirst(challenge?: string): { readonly fetch: typeof fetch; captured(): Unsent | undefined } {
  let taken: Unsent | undefined
  return {
    async fetch(input, init) {
      const request = new Request(input, init)
      if (challenge !== undefined && !request.headers.has('signature'))
        return new Response(null, { status: 401, headers: { 'agent-auth': challenge } })
      taken ??= { request, body: new Uint8Array(await request.clone().arrayBuffer()) }
      throw new Error('nothing is sent: --dry-run')
    },
    captured: () => taken,
  }
}

/** Prints a request and what its signature covers, but hides tokens and the signature, which could be used. */
export async function printUnsent({ request, body }: Unsent): Promise<void> {
  const { method, url, headers } = request
  const { host, pathname, search } = new URL(url)
  printLines(`${method} ${pathname}${search} HTTP/1.1`)
  for (const [name, value] of [['host', host] as const, ...headers])
    printLines(`${name}: ${onOneLine(hideSecrets(name, value))}`)
  printLines('')
  printLines(body.length === 0 ? '(no body)' : `(a body of ${body.length} bytes)`)
  const covered = await listCovered({ request, body })
  printLines(covered.length === 0 ? '\nnot signed' : '\nthe signature covers')
  for (const line of covered) printLines(`  ${line}`)
  printLines('nothing was sent')
}

function hideSecrets(name: string, value: string): string {
  if (name === 'signature') return value.replace(/:[A-Za-z0-9+/=]+:/g, ':…:')
  // One run with dots in it, to stay linear: a pattern of three runs would start anew at each "ey" (ReDoS).
  return value.replace(/ey[A-Za-z0-9_-][A-Za-z0-9_.-]{11,}/g, run => (run.split('.').length > 2 ? '…' : run))
}

async function listCovered({ request, body }: Unsent): Promise<string[]> {
  const { method, url, headers } = request
  if (!headers.has('signature')) return []
  const { host, pathname, search, protocol } = new URL(url)
  const lines: Array<[string, string]> = [['host', host], ...headers]
  const message = { method, target: `${pathname}${search}`, headers: lines, ...(body.length === 0 ? {} : { body }) }
  const scheme = protocol === 'http:' ? 'http' : 'https'
  const { components } = await explainSignature({ message, authorities: [host], scheme })
  return components.map(({ name, value }) =>
    value === undefined ? name : onOneLine(hideSecrets('', `${name}: ${value}`)),
  )
}
