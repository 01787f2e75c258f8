import { readdirSync, readFileSync } from 'node:fs'
import { english, german } from '@countersign/testing/auth/look'
import { expect, test } from 'vitest'
import { everyPage } from '../every-page.test.fixture.js'
import { languages } from '../language.js'
import { de } from './de.js'
import { en } from './en.js'
import { refusalInGerman, refusalsDe } from './refusals-de.js'
import { refusalsEn } from './refusals-en.js'

type Texts = { readonly [name: string]: string | Texts }

/** Every text, by its path. */
function textsIn(texts: Texts, path = ''): Array<readonly [path: string, text: string]> {
  return Object.entries(texts).flatMap(([name, value]) =>
    typeof value === 'string' ? [[path + name, value] as const] : textsIn(value, `${path}${name}.`),
  )
}

/** What stands between the tags of a page, and in what a screen reader says. */
function piecesOf(html: string): string[] {
  const labels = [...html.matchAll(/(?:aria-label|alt|title|data-missing|data-failed|data-known)="([^"]+)"/g)].map(
    ([, label = '']) => label,
  )
  return [
    ...html
      .replace(/<style>.*?<\/style>/s, '')
      .replace(/<script>.*?<\/script>/s, '')
      .replaceAll('<wbr/>', '')
      .split(/<[^>]*>/),
    ...labels,
  ]
    .map(piece => piece.trim())
    .filter(piece => /\p{L}/u.test(piece))
}

/** What other parties say, or is no language: it stays as it is. */
const same = new Set([
  'Ada Lovelace',
  'ada@demo.example',
  'u1',
  's1',
  'Calendar Helper',
  'phone',
  'To find a free hour.',
  'Key ring',
  'Laptop',
  'Firefox, Linux',
  ', Firefox, Linux',
  'Example',
  'ada@example.com',
  'Send a message in your name',
  'Delete messages for ever',
  'Move a file',
  'files.move',
  'send',
  'purge',
  'x.y',
  'Send',
  'Lunch on Friday',
  'to',
  'bob@partner.example',
  ', with the text',
  'See you at noon!',
  'Do',
  'You asked me to invite Bob to lunch.',
  'Europe/Paris',
  'UTC',
  'See only when you are busy',
  'Send an invitation',
  'Answer your guests',
  'See your events',
  'Change your events',
  'events.read',
  'events.write',
  'a.b',
  'c.d',
  'e.f',
])

test('both languages have the same texts with the same places, and no text in common', () => {
  const german = new Map(textsIn(de))
  const places = (text = ''): Set<string> => new Set(text.match(/\{\w+\}/g))
  for (const [path, text] of textsIn(en)) {
    expect(places(german.get(path)), path).toEqual(places(text))
    expect(german.get(path), path).not.toBe(text)
  }
  expect(german.size).toBe(textsIn(en).length)
})

test.each(Object.entries(everyPage))('a page in German has no English left: %s', (_, page) => {
  const [inEnglish, inGerman] = [page(english), page(german)]
  expect([inEnglish, inGerman].map(html => /<html lang="(\w+)"/.exec(html)?.[1])).toEqual(['en', 'de'])
  const left = new Set(piecesOf(inEnglish))
  const isSame = (piece: string): boolean =>
    same.has(piece) || /^[\w.-]*\.example(?:\/account(?:\/approvals)?)?$/.test(piece)
  expect(piecesOf(inGerman).filter(piece => left.has(piece) && !isSame(piece))).toEqual([])
  expect(piecesOf(inEnglish)).not.toContain('undefined')
  for (const html of [inEnglish, inGerman]) expect(piecesOf(html).join(' ')).not.toMatch(/[{}]/)
})

test('every page in every state shows every text', () => {
  const shown = Object.values(everyPage)
    .map(page => piecesOf(page(german)).join(' '))
    .join(' ')
  const flat = (text: string): string => text.replaceAll('&quot;', '"')
  const missing = textsIn(de).filter(
    ([path, text]) =>
      path !== 'locale' &&
      !flat(text)
        .split(/\{\w+\}/)
        .every(piece => flat(shown).includes(piece.trim())),
  )
  expect(missing.map(([path]) => path)).toEqual([])
})

function sourcesIn(...folders: readonly string[]): string[] {
  return folders
    .map(name => new URL(`../../${name}/`, import.meta.url))
    .flatMap(folder =>
      readdirSync(folder)
        .filter(name => /\.tsx?$/.test(name) && !/\.test\./.test(name))
        .map(name => readFileSync(new URL(name, folder), 'utf8')),
    )
}

test('a refusal has a text of its own in both languages or in none, for what some source refuses', () => {
  const keys = Object.keys(refusalsEn)
  expect(new Set(Object.keys(refusalsDe))).toEqual(new Set(keys))
  const abouts = keys.flatMap(key => key.split(': ').slice(1))
  expect(abouts.length).toBeGreaterThan(5)
  const sources = sourcesIn('account', 'approval', 'consent', 'login', 'pages')
  expect(abouts.filter(about => !sources.some(text => text.includes(`'${about}'`)))).toEqual([])
  const refusal = { code: 'invalid_request', description: '' } as const
  const inEnglish = languages.en.refusal
  expect(inEnglish({ ...refusal, reason: 'request_ended', about: 'a device code' })).toContain('the code has expired')
  expect(inEnglish({ ...refusal, reason: 'request_ended', about: 'nothing known' })).toContain('Begin again')
  expect(inEnglish({ ...refusal, reason: 'scope_unknown', description: 'What is wrong.' })).toBe('What is wrong.')
})

test('every reason that a page can give has a text of its own in German; any other one by its code', () => {
  const reasons = new Set(
    sourcesIn('account', 'consent', 'login', 'pages', 'passkey').flatMap(text =>
      [...text.matchAll(/\brefusal\('(\w+)'(?:, \{ about: '([^']+)')?/g)].map(([, name, about]) =>
        about === undefined || !(`${name}: ${about}` in refusalsDe) ? name : `${name}: ${about}`,
      ),
    ),
  )
  expect(reasons.size).toBeGreaterThan(14)
  const code = 'interaction_required'
  const other = refusalInGerman({ code, reason: 'algorithm_unsupported' as never })
  for (const reason of [
    ...reasons,
    'rate_exceeded',
    'guesses_exceeded',
    'internal_error',
    'sign_in_failed',
    'dependency_unavailable',
  ])
    expect(refusalInGerman({ code, reason: reason as never }), reason).not.toBe(other)
  expect(other).toBe('Die Anfrage ließ sich nicht bearbeiten.')
  expect(refusalInGerman({ code: 'server_error', reason: 'algorithm_unsupported' as never })).toContain('Fehler')
})
