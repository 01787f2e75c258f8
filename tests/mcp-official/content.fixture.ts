import { type CallToolResult, type ContentBlock, fromJsonSchema, type McpServer } from '@modelcontextprotocol/server'

// What the official suite expects of tools that ask nobody: it names them, and compares some of their words.

/** One pixel. */
export const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
/** A WAV file without a sample. */
const wav = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA='

/** The text of a result. */
export function said(text: string): CallToolResult {
  return { content: [{ type: 'text', text }] }
}

/** A tool that always returns the same. */
type Fixed = readonly [name: string, description: string, content: readonly ContentBlock[]]

const fixed: readonly Fixed[] = [
  ['test_simple_text', 'Says a sentence', [{ type: 'text', text: 'This is a simple text response for testing.' }]],
  ['test_image_content', 'Shows a pixel', [{ type: 'image', data: png, mimeType: 'image/png' }]],
  ['test_audio_content', 'Plays nothing', [{ type: 'audio', data: wav, mimeType: 'audio/wav' }]],
  [
    'test_embedded_resource',
    'Brings a resource',
    [{ type: 'resource', resource: textAt('test://embedded-resource', 'This is an embedded resource content.') }],
  ],
  [
    'test_multiple_content_types',
    'Brings a text, a pixel and a resource',
    [
      { type: 'text', text: 'Multiple content types test:' },
      { type: 'image', data: png, mimeType: 'image/png' },
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: JSON.stringify({ test: 'data', value: 123 }),
        },
      },
    ],
  ],
]

function textAt(uri: string, text: string): { uri: string; mimeType: string; text: string } {
  return { uri, mimeType: 'text/plain', text }
}

/** Adds the tools that return content, and nothing else. */
export function addContentTools(server: McpServer): void {
  for (const [name, description, content] of fixed)
    server.registerTool(name, { description }, () => ({ content: [...content] }))
  server.registerTool('test_error_handling', { description: 'Fails' }, () => {
    throw new Error('This tool intentionally returns an error for testing')
  })
  // Every keyword of its schema must come out of the list as it went in.
  const inputSchema = fromJsonSchema(odd)
  server.registerTool('json_schema_2020_12_tool', { description: 'Has an odd schema', inputSchema }, args =>
    said(JSON.stringify(args)),
  )
  // Its argument travels in a header, too.
  const region = { type: 'string', 'x-mcp-header': 'Region' }
  const located = fromJsonSchema<{ region?: string }>({ type: 'object', properties: { region } })
  server.registerTool('test_header_argument', { description: 'Says where', inputSchema: located }, ({ region }) =>
    said(String(region)),
  )
}

const odd = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
}
