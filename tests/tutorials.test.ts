import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from './processes.fixture.js'
import { blocksOf, installed, isShown, needs, tutorials } from './tutorial.fixture.js'

// How tutorials are read by the test that runs them (tutorials.long.ts), and what needs no run.

const read = (page: string): string => readFileSync(join(root, page), 'utf8')

describe('what is printed', () => {
  test('is compared line by line, and … stands for anything', () => {
    expect(isShown('200 {"a":1}\ndone\n', '200 {"a":1}\ndone\n')).toBe(true)
    expect(isShown('200 {"a":1}\ndone\n', '200 {"a":…}\ndone\n')).toBe(true)
    expect(isShown('200 {"a":1}\nmore\nand more\ndone\n', '200 {"a":1}\n…\ndone\n')).toBe(true)
    expect(isShown('200 {"a":1}\ndone\n', '200 {"a":1}\n…\ndone\n')).toBe(true)
  })

  test('differs where a line is missing, added or changed', () => {
    expect(isShown('200\ndone\n', '200\n')).toBe(false)
    expect(isShown('200\n', '200\ndone\n')).toBe(false)
    expect(isShown('200\ndone\n', '201\ndone\n')).toBe(false)
    expect(isShown('2000\n', '200\n')).toBe(false)
    expect(isShown('a.b\n', 'a.b\n')).toBe(true)
    expect(isShown('aXb\n', 'a.b\n')).toBe(false)
  })
})

test('a block has a language, what the runner is told, and its text', () => {
  expect(blocksOf('```sh user="Ada Lovelace" fails\nnode a.js\n```\n\n```ts a.ts\nlet a\n```\n')).toEqual([
    { language: 'sh', info: { user: 'Ada Lovelace', fails: '' }, text: 'node a.js\n' },
    { language: 'ts', info: { 'a.ts': '' }, text: 'let a\n' },
  ])
})

test('each tutorial has the reader install what its files import and its commands start', () => {
  expect(tutorials).toHaveLength(5)
  for (const page of tutorials) {
    const blocks = blocksOf(read(page))
    const has = installed(blocks)
    expect(has, page).toContain('../countersign/tarballs/*.tgz')
    const missing = [...needs(blocks)].filter(
      name => !has.has(name) && !name.startsWith('@countersign/') && name !== 'countersign',
    )
    expect(missing, page).toEqual([])
  }
})

test('each tutorial shows what it prints', () => {
  for (const page of tutorials)
    expect(blocksOf(read(page)).filter(({ language }) => language === 'text').length, page).toBeGreaterThan(1)
})

test('the index lists every tutorial, and the one about MCP', () => {
  const linked = [...read('docs/tutorials/README.md').matchAll(/^\| \[[^\]]+\]\(([^)]+)\)/gm)].map(([, to]) => to)
  expect(new Set(linked)).toEqual(
    new Set([...tutorials.map(page => page.slice('docs/tutorials/'.length)), '../mcp.md']),
  )
})
