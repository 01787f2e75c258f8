import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { parseComponent } from './component-identifier.js'
import { messageProfile } from './component-profile.js'
import type { MessageContext, RequestContext, ResponseContext } from './message-context.js'
import { resolveComponent } from './resolve-component.js'

const fields: Readonly<Record<string, readonly string[]>> = { 'content-type': ['text/plain'] }
const lines = (name: string): readonly string[] => fields[name] ?? []
const request: RequestContext = {
  method: 'GET',
  target: '/events?a=1&b=2',
  scheme: 'https',
  authority: 'calendar.example',
  lines,
}
const response: ResponseContext = { status: 200, request, lines }

function resolve(identifier: string, message: MessageContext): unknown {
  try {
    return resolveComponent(parseComponent(identifier), message, messageProfile())
  } catch (error) {
    return error
  }
}

test.each([
  ['"content-type"', request, 'text/plain'],
  ['"@query-param";name="a"', request, '1'],
  ['"@query-param";name="b";req', response, '2'],
  ['"@method";req', response, 'GET'],
] as const)(verifies('sig.covered.parameters', '%s is resolved'), (identifier, message, value) => {
  expect(resolve(identifier, message)).toBe(value)
})

test.each([
  ['"content-type";unknown', request, /a parameter that cannot be resolved/],
  ['"content-type";tr', request, /: trailers/],
  ['"@method";tr', request, /: trailers/],
  ['"@path";name="a"', request, /: a parameter of a derived component/],
  ['"@status";name="a"', response, /: a parameter of a derived component/],
  ['"@query-param";name="a"', response, /: a parameter of a derived component/],
  ['"@query-param";name="a";unknown', request, /needs name and nothing else/],
  ['"@query-param";name=1', request, /needs name and nothing else/],
  ['"@query-param";unknown', request, /needs name and nothing else/],
  ['"@method";req="yes"', response, /a parameter that cannot be resolved/],
  ['"@method";req=?0', response, /a parameter that cannot be resolved/],
  ['"@method";req', request, /: req, in a request/],
] as const)(
  verifies('sig.covered.parameters', '%s names nothing of the message, and its signer learns why'),
  (identifier, message, text) => {
    expect(resolve(identifier, message)).toMatchObject({
      reason: 'component_unsupported',
      message: expect.stringMatching(text),
    })
  },
)
