import { execFileSync, spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { lastRelease, releases, releasesIn } from '../scripts/changelog.mjs'
import { root } from './processes.fixture.js'

const previous = lastRelease()
const isShallow = spawnSync('git', ['cat-file', '-e', `${previous.commit}^{commit}`], { cwd: root }).status !== 0

test('the changelog begins with the unreleased changes, and every release has its own version, newest first', () => {
  const [unreleased, ...released] = releases()
  expect(unreleased?.version).toBe('Unreleased')
  const versions = released.map(({ version }) => version)
  expect(versions).toContain('0.1.0')
  const newestFirst = versions.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  expect(versions).toEqual(newestFirst)
  expect(new Set(versions).size).toBe(versions.length)
})

test.skipIf(isShallow)(
  `the commit of the previous version is one of this history${isShallow ? ' (skipped: a shallow clone does not hold it)' : ''}`,
  () => {
    expect(previous.commit).toMatch(/^[0-9a-f]{40}$/)
    execFileSync('git', ['merge-base', '--is-ancestor', previous.commit, 'HEAD'], { cwd: root })
    const manifest = execFileSync('git', ['show', `${previous.commit}:package.json`], { cwd: root, encoding: 'utf8' })
    expect(JSON.parse(manifest)).toMatchObject({ version: previous.version })
  },
)

test('a section gives version, date, commit and notes, and a heading that is no release is an error', () => {
  const commit = 'a'.repeat(40)
  const page = `# Changelog\n\n## [Unreleased]\n\n- new\n\n## [0.2.0] - 2027-01-02\n\nCommit \`${commit}\`.\n\n### Fixed\n\n- old\n`
  expect(releasesIn(page)).toEqual([
    { version: 'Unreleased', date: undefined, commit: undefined, notes: '- new' },
    { version: '0.2.0', date: '2027-01-02', commit, notes: '### Fixed\n\n- old' },
  ])
  for (const heading of ['0.2.0', '[0.2] - 2027-01-02', '[0.2.0]', '[Unreleased] - 2027-01-02', '[0.2.0] - soon'])
    expect(() => releasesIn(page.replace('[0.2.0] - 2027-01-02', heading)), heading).toThrow(/names no release/)
})
