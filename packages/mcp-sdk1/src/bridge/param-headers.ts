import { base64urlEncode } from '@countersign/httpsig/internal'
import type { Answer, Params, RequestId, RpcRequest } from '@countersign/mcp/internal/client'
import { boundedMap, isObject } from '@countersign/protocol/internal'

/** An argument of a tool that stands in a header, too. */
interface Declared {
  readonly path: readonly string[]
  readonly header: string
}

/**
 * The `Mcp-Param-*` headers of calls: tools declare them in their input schema, and clients without HTTP do not send them. They are
 * known of the lists of tools that have passed.
 */
export interface ParamHeaders {
  /** Notes a request for a list of tools. */
  learnFrom(request: RpcRequest): void
  /** Learns the tools of an answered list. */
  answered(answer: Answer): void
  /** Forgets a request that has failed. */
  forget(id: RequestId): void
  /** The headers of a call; undefined where it has none. */
  of(request: RpcRequest): Readonly<Record<string, string>> | undefined
}

/** Most tools whose headers are known, most headers of one, and most levels of a schema that are read. */
const [mostTools, mostHeaders, deepest] = [1000, 32, 16] as const

/**
 * The headers that tools declare.
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports#custom-headers
 */
export function paramHeaders(): ParamHeaders {
  // bound: 1000 tools; bytes: 1000 × 32 names of 100 characters, with their paths; grown by a peer; filled by
  // bounded-collections-fills.test.ts "a bounded map"
  const tools = boundedMap<string, readonly Declared[]>(mostTools)
  // bound: requests of the client that are under way; grown by the program
  const lists = new Set<RequestId>()
  return {
    learnFrom({ id, method }) {
      if (method === 'tools/list') lists.add(id)
    },
    answered(answer) {
      if (answer.id === undefined || !lists.delete(answer.id) || !('result' in answer)) return
      const listed = answer.result['tools']
      for (const tool of Array.isArray(listed) ? listed : []) {
        if (!isObject(tool) || typeof tool['name'] !== 'string') continue
        const found = declaredIn(tool['inputSchema'])
        if (found.length > 0) tools.set(tool['name'], found)
      }
    },
    forget: id => void lists.delete(id),
    of({ method, params }) {
      const declared = method === 'tools/call' ? tools.get(String(params?.['name'])) : undefined
      return declared === undefined ? undefined : headersOf(declared, params?.['arguments'])
    },
  }
}

/** The declarations of a schema, along `properties` only. */
function declaredIn(schema: unknown, path: readonly string[] = []): Declared[] {
  if (!isObject(schema) || path.length > deepest) return []
  const header = schema['x-mcp-header']
  const own =
    typeof header === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/.test(header) ? [{ path, header }] : []
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : []
  const all = [...own]
  for (const [name, inner] of properties) {
    if (all.length >= mostHeaders) break
    all.push(...declaredIn(inner, [...path, name]))
  }
  return all.slice(0, mostHeaders)
}

function headersOf(declared: readonly Declared[], args: unknown): Record<string, string> {
  const found = declared.flatMap(({ path, header }) => {
    const value = path.reduce<unknown>((node, key) => (isObject(node) ? (node as Params)[key] : undefined), args)
    const isSimple = ['string', 'boolean', 'number'].includes(typeof value)
    return isSimple ? [[`Mcp-Param-${header}`, encoded(String(value))] as const] : []
  })
  return Object.fromEntries(found)
}

/** As it is, where it is plain text; otherwise in base64, so that no value can end its header. */
function encoded(text: string): string {
  const isPlain = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith('=?base64?')
  if (isPlain) return text
  const base64url = base64urlEncode(new TextEncoder().encode(text))
  const base64 = base64url.replaceAll('-', '+').replaceAll('_', '/')
  return `=?base64?${base64.padEnd(Math.ceil(base64.length / 4) * 4, '=')}?=`
}
