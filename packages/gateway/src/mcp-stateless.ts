import type { Ask, McpMessage } from '@countersign/mcp/internal'
import { isObject } from '@countersign/protocol/internal'

const versionInMeta = 'io.modelcontextprotocol/protocolVersion'
/** What a client of a revision without sessions says of itself in each request. */
const ofTheClient = [
  versionInMeta,
  'io.modelcontextprotocol/clientInfo',
  'io.modelcontextprotocol/clientCapabilities',
] as const

/** Asks the server in the revision of a message, as its client: a server without sessions knows both from nothing else. */
export function askingLike({ value, revision }: McpMessage, ask: Ask): Ask {
  if (revision === 'sessions') return ask
  const { _meta: meta } = Object(value['params'])
  if (!isObject(meta)) return ask
  const said = Object.fromEntries(ofTheClient.flatMap(name => (name in meta ? [[name, meta[name]]] : [])))
  return (method, params) => ask(method, { ...params, _meta: said })
}
