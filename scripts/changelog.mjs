// CHANGELOG.md as data: what each release holds, and the commit it was built from.
import { readFileSync } from 'node:fs'
import { root } from './install.mjs'

/**
 * The releases of a changelog, newest first, as the page has them. `version` is `Unreleased` for what is not released yet;
 * `commit` is undefined until the release is made.
 * @throws Error where a heading is no release of the format
 */
export function releasesIn(changelog) {
  return changelog
    .split(/^## /m)
    .slice(1)
    .map(section => {
      const [heading = '', ...lines] = section.split('\n')
      const [, version, date] = /^\[(Unreleased|\d+\.\d+\.\d+)\](?: - (\d{4}-\d{2}-\d{2}))?$/.exec(heading) ?? []
      if (version === undefined || (version === 'Unreleased') !== (date === undefined))
        throw new Error(`CHANGELOG.md has a heading that names no release: ${heading}`)
      const text = lines.join('\n').trim()
      const [, commit] = /^Commit `([0-9a-f]{40})`\.$/m.exec(text) ?? []
      return { version, date, commit, notes: text.replace(/^Commit `[0-9a-f]{40}`\.\n*/, '') }
    })
}

/** The releases of this checkout's CHANGELOG.md, newest first. */
export function releases() {
  return releasesIn(readFileSync(`${root}/CHANGELOG.md`, 'utf8'))
}

/**
 * The last release whose commit is named: the previous version, for tests that run its build beside today's.
 * @throws Error when no release names its commit
 */
export function lastRelease() {
  const last = releases().find(({ commit }) => commit !== undefined)
  if (last === undefined) throw new Error('CHANGELOG.md names the commit of no release')
  return last
}

/**
 * A changelog in which what was unreleased is a release, and nothing is unreleased.
 * @throws Error when nothing is, or the version is there already
 */
export function releaseSection(changelog, version, date) {
  const [unreleased, ...released] = releasesIn(changelog)
  if (unreleased?.version !== 'Unreleased' || unreleased.notes === '') throw new Error('there is nothing to release')
  if (released.some(release => release.version === version)) throw new Error(`${version} is released already`)
  return changelog.replace('## [Unreleased]\n', `## [Unreleased]\n\n## [${version}] - ${date}\n`)
}

/** A changelog that names the commit a release was built from. */
export function withCommit(changelog, version, commit) {
  return changelog.replace(
    new RegExp(`^## \\[${version.replaceAll('.', '\\.')}\\] - .*$`, 'm'),
    heading => `${heading}\n\nCommit \`${commit}\`.`,
  )
}
