import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { folderOfTest } from '@countersign/testing/folders'
import { describe, expect, test } from 'vitest'
import { wrapped } from '../scripts/figures/svg.mjs'
import { root } from './processes.fixture.js'

const folder = join(root, 'docs/figures')
const names = ['climb.svg', 'consent.svg', 'levels.svg', 'mcp-call.svg', 'participants.svg', 'two-hops.svg']
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

test('the figures made anew are those that are committed', () => {
  const made = folderOfTest()
  execFileSync(process.execPath, [join(root, 'scripts/figures.mjs'), made])
  expect(readdirSync(folder).toSorted()).toEqual(names)
  expect(readdirSync(made).toSorted()).toEqual(names)
  // After a change: npm run build && node scripts/figures.mjs
  for (const name of names) expect(readFileSync(join(made, name), 'utf8'), name).toBe(read(name))
})

describe.each(names)('%s', name => {
  test('has a title and a description for those who do not see it', () => {
    expect(read(name)).toMatch(
      /^<svg [^>]*role="img" aria-labelledby="title about">\n<title id="title">[^<]{20,}<\/title>/,
    )
    expect(/<desc id="about">([^<]*)<\/desc>/.exec(read(name))?.[1]?.length).toBeGreaterThan(100)
  })

  test('has colours for light and dark, loads nothing, and holds no token', () => {
    const svg = read(name)
    expect(svg).toContain('@media (prefers-color-scheme: dark)')
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(
      /\b(?:href|src|@import)\b|url\((?!#head\))/,
    )
    expect(svg).not.toContain('eyJ')
  })
})

test('the colours of text have a contrast of 4.5:1 with what is behind it, in light and dark', () => {
  const [light = '', dark = ''] = (/<style>([\s\S]*?)<\/style>/.exec(read('climb.svg'))?.[1] ?? '').split('@media')
  for (const scheme of [light, dark]) {
    const colours = new Map(
      [...scheme.matchAll(/--([a-z]+): (#[0-9a-f]{6})/g)].map(([, key = '', value = '']) => [key, value]),
    )
    const texts = ['ink', 'soft', 'anonymous', 'pseudonymous', 'identified', 'authorized']
    for (const text of texts)
      for (const behind of ['back', 'box'])
        expect(contrast(colours.get(text), colours.get(behind)), `${text} on ${behind}`).toBeGreaterThanOrEqual(4.5)
  }
  expect(contrast('#777777', '#888888')).toBeLessThan(4.5)
})

/** WCAG 2.2, relative luminance. */
function contrast(one = '', other = ''): number {
  const [a = 0, b = 0] = [luminance(one), luminance(other)].toSorted((x, y) => y - x)
  return (a + 0.05) / (b + 0.05)
}

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map(at => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

test('a long label is broken where it can be, and nothing of it is lost', () => {
  expect(wrapped('401 Agent-Auth: httpsig; auth-token', 20)).toEqual(['401 Agent-Auth:', 'httpsig; auth-token'])
  expect(wrapped('server="https://auth.example"', 10)).toEqual(['server=', '"https://auth.example"'])
  expect(wrapped('short', 10)).toEqual(['short'])
})
