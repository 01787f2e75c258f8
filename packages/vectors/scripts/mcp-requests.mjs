// Requests to an MCP server: what the headers say must be what the body says (protocol 12).
import { badRequest, refuseAll } from './expected.mjs'
import { headerPath, openKind, remove, repeatHeader, replace } from './kind.mjs'

const version = '2026-07-28'
const meta = { 'io.modelcontextprotocol/protocolVersion': version }
const rpc = (method, params) => ({ text: JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }) })
const lines = (more = {}) => [
  ['host', 'calendar.example'],
  ['content-type', 'application/json'],
  ...Object.entries(more),
]
const request = (headers, body) => ({ method: 'POST', target: '/mcp', headers: lines(headers), body })

const tool = request(
  { 'mcp-protocol-version': version, 'mcp-method': 'tools/call', 'mcp-name': 'invite' },
  rpc('tools/call', { name: 'invite', arguments: { to: 'bob' }, _meta: meta }),
)
const older = (headers = {}) => request(headers, rpc('tools/call', { name: 'invite', arguments: {} }))

/** `[id, title, input, facts]`. */
const accepted = [
  ['tool', 'headers name the revision, the method and the tool', tool, { method: 'tools/call', name: 'invite' }],
  [
    ...['prompt', 'headers name a prompt'],
    request(
      { 'mcp-protocol-version': version, 'mcp-method': 'prompts/get', 'mcp-name': 'summary' },
      rpc('prompts/get', { name: 'summary', _meta: meta }),
    ),
    { method: 'prompts/get', name: 'summary' },
  ],
  [
    ...['resource', 'Mcp-Name is the URI of a resource'],
    request(
      { 'mcp-protocol-version': version, 'mcp-method': 'resources/read', 'mcp-name': 'file:///notes/1' },
      rpc('resources/read', { uri: 'file:///notes/1', _meta: meta }),
    ),
    { method: 'resources/read', name: 'file:///notes/1' },
  ],
  [
    ...['task', 'Mcp-Name is the id of a task'],
    request(
      { 'mcp-protocol-version': version, 'mcp-method': 'tasks/get', 'mcp-name': 't-9' },
      rpc('tasks/get', { taskId: 't-9', _meta: meta }),
    ),
    { method: 'tasks/get', name: 't-9' },
  ],
  [
    ...['list', 'a method without a name needs no Mcp-Name'],
    request({ 'mcp-protocol-version': version, 'mcp-method': 'tools/list' }, rpc('tools/list', { _meta: meta })),
    { method: 'tools/list' },
  ],
  ['older', 'in an older revision the headers may be absent', older(), { method: 'tools/call', name: 'invite' }],
  [
    ...['older-session', 'in an older revision there may be a session'],
    older({ 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': 's-1' }),
    { method: 'tools/call', name: 'invite' },
  ],
  [
    ...['older-headers', 'in an older revision a header that is there says the same'],
    older({ 'mcp-protocol-version': '2025-11-25', 'mcp-method': 'tools/call', 'mcp-name': 'invite' }),
    { method: 'tools/call', name: 'invite' },
  ],
]

const differs = badRequest('mcp_headers_mismatched', 'mcp')
const without = name => vector => remove(headerPath(vector, name))
const put = (name, value) => vector => replace(`${headerPath(vector, name)}/1`, value)
const headers = 'mcp.headers'
const faults = {
  tool: [
    ['no-method', 'Mcp-Method must be there', headers, 'Mcp-Method is missing', without('mcp-method'), differs],
    ['no-name', 'Mcp-Name must be there', headers, 'Mcp-Name is missing', without('mcp-name'), differs],
    [
      'no-version',
      'the revision must be there',
      headers,
      'the revision is missing',
      without('mcp-protocol-version'),
      differs,
    ],
    [
      'method',
      'Mcp-Method is the method of the body',
      headers,
      'Mcp-Method is tools/list',
      put('mcp-method', 'tools/list'),
      differs,
    ],
    ['name', 'Mcp-Name is the name in the body', headers, 'Mcp-Name is read', put('mcp-name', 'read'), differs],
    ['name-case', 'names are compared exactly', headers, 'Mcp-Name is Invite', put('mcp-name', 'Invite'), differs],
    [
      'version',
      'the header has the revision of the body',
      headers,
      'the header has an older one',
      put('mcp-protocol-version', '2025-11-25'),
      differs,
    ],
    ['method-twice', 'Mcp-Method comes once', headers, 'Mcp-Method comes twice', repeatHeader('mcp-method'), differs],
    ['name-twice', 'Mcp-Name comes once', headers, 'Mcp-Name comes twice', repeatHeader('mcp-name', 'read'), differs],
    [
      ...['body', 'the body has the name of Mcp-Name', headers, 'the tool of the body is another'],
      ...[replace('/input/body', rpc('tools/call', { name: 'delete', arguments: {}, _meta: meta })), differs],
    ],
    [
      ...['session', 'there are no sessions in this revision', 'mcp.no-session', 'Mcp-Session-Id is added'],
      ...[repeatHeader('mcp-session-id', 's-1'), badRequest('session_id_invalid', 'mcp')],
    ],
  ],
  list: [
    [
      'name',
      'a method without a name has none in a header',
      headers,
      'Mcp-Name is added',
      repeatHeader('mcp-name', 'invite'),
      differs,
    ],
  ],
  'older-headers': [
    [
      'method',
      'Mcp-Method says the same in any revision',
      headers,
      'Mcp-Method is tools/list',
      put('mcp-method', 'tools/list'),
      differs,
    ],
    ['name', 'Mcp-Name says the same in any revision', headers, 'Mcp-Name is read', put('mcp-name', 'read'), differs],
  ],
}

/** Messages to an MCP server, signatures aside. */
export function mcpRequests() {
  const kind = openKind('mcp-requests')
  for (const [id, title, input, expect] of accepted) kind.accept(id, title, { clauses: [headers], input, expect })
  for (const [of, rows] of Object.entries(faults)) refuseAll(kind, of, rows)
  return kind
}
