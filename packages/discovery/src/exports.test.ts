import { readFileSync } from 'node:fs'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { defaultFetcher as onNode } from './default-fetcher-node.js'
import { defaultFetcher as elsewhere } from './default-fetcher-web.js'
import * as core from './index.js'
import * as node from './node.js'

test('what the package exports', () => {
  expect(Object.keys(core)).toEqual(['createBotDirectory', 'createDirectory', 'createDiscovery'])
  expect(Object.keys(node)).toEqual(['guardedFetch', 'guardedFetcher', 'isPublicAddress'])
})

/** Every module that a file imports, directly or through files of this package; samples in comments import nothing. */
function importsOf(file: string, seen: Set<string> = new Set()): Set<string> {
  const source = readFileSync(new URL(file, import.meta.url), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
  for (const [, specifier = ''] of source.matchAll(/from '([^']+)'/g)) {
    if (seen.has(specifier)) continue
    seen.add(specifier)
    if (specifier.startsWith('.')) importsOf(specifier.replace(/\.js$/, '.ts'), seen)
  }
  return seen
}

test(verifies('discovery.fetcher', 'the core runs without Node: its fetcher is passed in'), () => {
  const outside = (file: string) => new Set([...importsOf(file)].filter(specifier => !specifier.startsWith('.')))
  expect(outside('./index.ts')).toEqual(
    new Set([
      '@countersign/httpsig',
      '@countersign/httpsig/internal',
      '@countersign/protocol',
      '@countersign/protocol/internal',
      '#default-fetcher',
      '#registrable-domain',
    ]),
  )
  expect(outside('./node.ts')).toContain('node:https')
})

test(verifies('discovery.fetcher', 'on Node there is a default fetcher, elsewhere one must be passed in'), () => {
  expect(onNode(false)).toBeTypeOf('function')
  expect(() => elsewhere(false)).toThrow(TypeError)
})
