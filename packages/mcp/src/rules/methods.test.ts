import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { misspeltMethod, readingMethods } from './methods.js'

test(verifies('mcp.method-spellings', 'a method with the letters of one of MCP is misspelt, and no other'), () => {
  for (const method of [
    'Tools/Call',
    'TOOLS/CALL',
    'tools/call ',
    ' tools/call',
    'tools//call',
    '/tools/call',
    'tools/call/',
    'tools\\call',
    'tools.call',
    'tools_call',
    'toolsCall',
    'tools / call',
    'tools/call\0',
    'tools/\u200bcall',
    '\uff54ools/call',
    'tool\u017f/call',
    'tools\u2215call',
  ])
    expect(misspeltMethod(method), JSON.stringify(method)).toBe('tools/call')
  for (const method of [
    'tools/call',
    'tasks/update',
    'x/tools/call',
    'tools/calls',
    'vendor/run',
    '',
    ...readingMethods,
  ])
    expect(misspeltMethod(method), method).toBeUndefined()
})
