import { numRuns } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseComponent } from './component-identifier.js'
import { aauthProfile, messageProfile } from './component-profile.js'
import type { MessageContext, RequestContext } from './message-context.js'
import { resolveComponent } from './resolve-component.js'
import { bareSignatureBase, signatureBase } from './signature-base.js'

const fields: Readonly<Record<string, readonly string[]>> = {
  'x-a': ['1', '2'],
  latin1: ['ü'],
  priority: ['u=1,   i'],
  'want-repr-digest': [''],
  'cache-status': ['a,  b'],
}
const request: RequestContext = {
  method: 'GET',
  target: '/path',
  scheme: 'https',
  authority: 'a.example',
  lines: name => fields[name] ?? [],
}
const response: MessageContext = { status: 200, request, lines: request.lines }
const refused = expect.objectContaining({ code: 'invalid_signature' })

describe('the profile of AAuth', () => {
  test.each([
    ['x-a', '1, 2'],
    ['"x-a";bs', ':MQ==:, :Mg==:'],
    ['"priority";sf', 'u=1, i'],
    ['"priority";key="u"', '1'],
    ['@path', '/path'],
  ])('resolves %s as RFC 9421 does', (identifier, expected) => {
    const component = parseComponent(identifier)
    expect(resolveComponent(component, request, aauthProfile)).toBe(expected)
    expect(resolveComponent(component, request, messageProfile())).toBe(expected)
  })

  test.each([
    ['@query', request, '?'],
    ['"priority";sf;key="u"', request, '1'],
    ['"cache-status";sf', request, 'a, b'],
    ['"want-repr-digest";sf', request, ''],
    ['"latin1";bs', request, ':/A==:'],
    ['@status', response, '200'],
    ['"@method";req', response, 'GET'],
    ['"x-a";req', response, '1, 2'],
  ] as ReadonlyArray<[string, MessageContext, string]>)('refuses %s', (identifier, message, expected) => {
    const component = parseComponent(identifier)
    expect(resolveComponent(component, message, messageProfile())).toBe(expected)
    expect(() => resolveComponent(component, message, aauthProfile)).toThrow(refused)
  })

  test('relies on checkTarget for method and target; the general profile checks them itself', () => {
    for (const [name, change] of [
      ['@method', { method: 'A\n"@path": /' }],
      ['@target-uri', { target: '/\n' }],
      ['@authority', { authority: 'a\nb' }],
    ] as const)
      expect(() => resolveComponent({ name }, { ...request, ...change }, messageProfile())).toThrow(refused)
  })
})

const text = fc.stringMatching(/^[!-~]([ -~]{0,10}[!-~])?$/)
const context = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'M-SEARCH'),
    target: fc.stringMatching(/^\/[a-z0-9/%]{0,8}\?[a-z0-9=&%]{0,8}$/),
    scheme: fc.constantFrom('https' as const, 'http' as const),
    authority: fc.domain(),
    values: fc.dictionary(fc.stringMatching(/^x-[a-z]{1,3}$/), fc.array(text, { minLength: 1, maxLength: 3 })),
  })
  .map(({ values, ...parts }) => ({
    ...parts,
    names: Object.keys(values),
    lines: (name: string) => values[name] ?? [],
  }))
const derived = ['@method', '@authority', '@path', '@query', '@scheme', '@target-uri', '@request-target']

test('a signer in a page signs the base that a verifier builds with either profile', () => {
  fc.assert(
    fc.property(context, fc.shuffledSubarray(derived), text, ({ names, ...message }, some, parameters) => {
      const covered = [...some, ...names]
      const coverage = { components: covered.map(name => ({ name })), text: parameters }
      const base = bareSignatureBase(covered, parameters, message)
      expect(signatureBase(coverage, message, aauthProfile)).toBe(base)
      expect(signatureBase(coverage, message, messageProfile())).toBe(base)
    }),
    { numRuns },
  )
})
