import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../processes.fixture.js'
import { codeOf, collections } from './bounded-collections.fixture.js'
import { fixed, kept, passing } from './bounded-collections-registry.fixture.js'

// Every map, set, array and text that something is put into is known here, with what bounds it: memory that a stranger fills is
// an outage for everyone else. One that is new, or that has another name, has to be registered before it passes.

const found = collections()
const idOf = ({ file, name }: { readonly file: string; readonly name: string }): string => `${file} ${name}`

function idsOf(names: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(names).flatMap(([file, all]) => all.split(' ').map(name => `${file} ${name}`))
}

const registered = [...idsOf(fixed), ...idsOf(passing), ...Object.keys(kept)]

test('every collection in the source is registered, once', () => {
  expect(found.length).toBeGreaterThan(200)
  expect(found.map(idOf).filter(id => !registered.includes(id))).toEqual([])
  expect(registered.filter((id, at) => registered.indexOf(id) !== at)).toEqual([])
})

test('nothing is registered that is not in the source', () => {
  const ids = new Set(found.map(idOf))
  expect(registered.filter(id => !ids.has(id))).toEqual([])
})

test('no entry is added to a constant collection', () => {
  const grown = found.filter(({ file, name, isGlobal }) => {
    if (!idsOf(fixed).includes(`${file} ${name}`) || !isGlobal) return false
    return new RegExp(String.raw`\b${name}\.(?:add|set|push|unshift)\(`).test(codeOf(file))
  })
  expect(grown.map(idOf)).toEqual([])
})

test('what lives in one call stands in a function', () => {
  expect(found.filter(one => one.isGlobal && idsOf(passing).includes(idOf(one))).map(idOf)).toEqual([])
})

describe('of collections that a stranger or a peer can grow', () => {
  const strange = Object.entries(kept).filter(([, { grows }]) => grows !== 'program')

  test('each says how many bytes it takes, and how strangers share it', () => {
    expect(strange.length).toBeGreaterThan(50)
    const silent = strange.filter(([, { bytes, bound, shared, grows }]) => {
      return bytes === '' || bound === '' || (grows === 'stranger' && (shared ?? '') === '')
    })
    expect(silent.map(([id]) => id)).toEqual([])
  })

  test.each(strange)('%s is filled by a test', (_, { filledBy }) => {
    const [file = '', title = ''] = filledBy ?? []
    expect(file).toMatch(/\.(?:test|long)\.ts$/)
    expect(title.length).toBeGreaterThan(5)
    // Of a title in the source, where lines and quotes may break it.
    const titles = [...readFileSync(join(root, file), 'utf8').matchAll(/(['"`])((?:(?!\1).)*)\1/g)].map(
      match => match[2],
    )
    expect(titles.some(text => text?.includes(title))).toBe(true)
  })
})
