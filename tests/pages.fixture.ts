import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pagesOf } from '../site/pages.mjs'
import { root } from './processes.fixture.js'

/** A page of the repository. */
export interface Page {
  /** Its path in the checkout. */
  readonly file: string
  readonly text: string
}

/** Every page that people read, but for the changelog, which says what was, and the API reference, which is made. */
export function readPages(): Page[] {
  return [...pagesOf(root).keys()]
    .filter(file => file !== 'CHANGELOG.md' && !file.startsWith('site/.api'))
    .map(file => ({ file, text: readFileSync(join(root, file), 'utf8') }))
}

/** The blocks of code of a page in one of these languages. */
export function codeBlocks({ text }: Page, ...languages: readonly string[]): string[] {
  return [...text.matchAll(/^( *)```(\w*).*\n([\s\S]*?)^ *```$/gm)].flatMap(
    ([, indent = '', language = '', code = '']) =>
      languages.includes(language) ? [code.replaceAll(new RegExp(`^${indent}`, 'gm'), '')] : [],
  )
}

/** What a page has a reader type in a shell, without comments; a line that goes on with `\` is one. */
export function typedLines(page: Page): string[] {
  const typed = codeBlocks(page, 'sh').flatMap(block => block.replaceAll('\\\n', ' ').split('\n'))
  const shown = codeBlocks(page, 'console', 'text').flatMap(block =>
    block.split('\n').flatMap(line => (line.startsWith('$ ') ? [line.slice(2)] : [])),
  )
  return [...typed, ...shown].map(line => line.replace(/(?:^|\s+)# .*$/, '').trim()).filter(line => line !== '')
}

/** The code in the sentences and tables of a page. */
export function inlineCode({ text }: Page): string[] {
  const prose = text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
  return [...prose.matchAll(/(`+)(.+?)\1(?!`)/g)].map(([, , code = '']) => code.trim())
}

/** The words of a command line. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  )
}

/** The names of the benches, by which `npm run bench -- NAME` knows them. */
export function benchNames(): string[] {
  return readdirSync(join(root, 'bench'))
    .filter(file => file.endsWith('.ts'))
    .map(file => readFileSync(join(root, 'bench', file), 'utf8'))
    .flatMap(text =>
      [...text.matchAll(/\bBench (?:= \{|\{\s*return \{)\s*name: '([\w-]+)'/g)].map(([, name = '']) => name),
    )
}
