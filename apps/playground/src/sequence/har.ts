import type { Party, ShownMessage } from '../explorer/contract.js'

/** The messages as an HTTP Archive (HAR 1.2), which the tools of browsers read. */
export function harOf(messages: readonly ShownMessage[], parties: readonly Party[]): object {
  const urls = new Map(parties.map(({ id, url }) => [id, url ?? '']))
  return {
    log: {
      version: '1.2',
      creator: { name: 'Countersign playground', version: '1' },
      entries: messages.map(message => entryOf(message, urls.get(message.to) ?? '')),
    },
  }
}

function entryOf({ at, request, response, sentence }: ShownMessage, origin: string): object {
  const url = new URL(request.target.startsWith('/') ? origin + request.target : origin)
  return {
    startedDateTime: new Date(at * 1000).toISOString(),
    time: 0,
    comment: sentence,
    request: {
      method: request.method,
      url: url.href,
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: listOf(request.headers),
      headersSize: -1,
      bodySize: bytesOf(request.body),
      queryString: [...url.searchParams].map(([name, value]) => ({ name, value })),
      ...(request.body === '' ? {} : { postData: { mimeType: typeOf(request.headers), text: request.body } }),
    },
    response: {
      status: response.status,
      statusText: '',
      httpVersion: 'HTTP/1.1',
      cookies: [],
      redirectURL: '',
      headers: listOf(response.headers),
      headersSize: -1,
      bodySize: bytesOf(response.body),
      content: { size: bytesOf(response.body), mimeType: typeOf(response.headers), text: response.body },
    },
    cache: {},
    timings: { send: 0, wait: 0, receive: 0 },
  }
}

type Headers = ReadonlyArray<readonly [string, string]>

const listOf = (headers: Headers): object[] => headers.map(([name, value]) => ({ name, value }))
const bytesOf = (text: string): number => new TextEncoder().encode(text).length
const typeOf = (headers: Headers): string =>
  headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? 'application/octet-stream'
