import { createServer, type IncomingMessage, type Server } from 'node:http'

/** A server of this machine that publishes documents under all of its names. */
export interface DocumentSite {
  readonly server: Server
  /** By URL. */
  readonly documents: Map<string, unknown>
}

/**
 * A site that is not listening yet. What has no document is 404.
 * @param other answers further requests, before documents are looked for
 */
export function documentSite(other: (request: IncomingMessage) => unknown = () => undefined): DocumentSite {
  const documents = new Map<string, unknown>()
  const server = createServer((request, response) => {
    const document = other(request) ?? documents.get(`http://${request.headers.host}${request.url}`)
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(document))
  })
  return { server, documents }
}
