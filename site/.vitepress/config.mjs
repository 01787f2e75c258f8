import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import { webUrl } from '../../scripts/packages.mjs'
import { clausesIn, headingName } from '../links.mjs'
import { repositoryMarkdown } from '../markdown.mjs'
import { groups, pagesOf } from '../pages.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pages = pagesOf(root)
const clauses = clausesIn(readFileSync(`${root}docs/protocol.md`, 'utf8'))
const isFolder = path => statSync(`${root}${path}`).isDirectory()

/** The entry points of the packages: `@countersign/agent/node`. */
const api = [...pages.values()]
  .filter(page => page.startsWith('api/@'))
  .map(page => ({
    text: page.slice('api/@countersign/'.length, -'.md'.length),
    link: `/${page.slice(0, -'.md'.length)}`,
  }))

/** Long lists and whole messages: nobody searches for their signatures and digests. */
const unsearched = ['model-traces.md', 'conformance-results.md']

/** What the search reads of a page: its HTML. */
async function searched(text, env, md) {
  if (unsearched.includes(env.relativePath)) return ''
  const read = env.relativePath === 'worked-messages.md' ? text.replace(/^```[\s\S]*?^```/gm, '') : text
  return md.renderAsync(read, env)
}

export default defineConfig({
  srcDir: '.pages',
  outDir: 'dist',
  title: 'Countersign',
  description: 'AAuth for TypeScript: agents, APIs and auth servers that have never met, every request signed',
  lang: 'en',
  transformHead: ({ siteData }) => [
    ['link', { rel: 'icon', href: `${siteData.base}favicon.svg`, type: 'image/svg+xml' }],
  ],
  // The search index is one file, which is loaded when the search is opened.
  vite: { build: { chunkSizeWarningLimit: 4000 } },
  // Servers on the reader's own machine.
  ignoreDeadLinks: 'localhostLinks',
  markdown: {
    anchor: { slugify: headingName },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config: md => md.use(repositoryMarkdown, { pages, clauses, isFolder, repository: webUrl() }),
  },
  themeConfig: {
    nav: [
      { text: 'Get started', link: '/start' },
      { text: 'Tutorials', link: '/tutorials/' },
      { text: 'Protocol', link: '/protocol' },
      { text: 'Reasons', link: '/reasons' },
      { text: 'API', link: '/api/' },
      { text: 'GitHub', link: webUrl() },
    ],
    sidebar: {
      '/api/': [{ text: 'API reference', link: '/api/', items: api }],
      '/': groups.map((group, at) => ({ ...group, collapsed: at > 5 })),
    },
    outline: { level: [2, 3] },
    search: { provider: 'local', options: { _render: searched } },
    externalLinkIcon: true,
    footer: { message: 'Apache License 2.0' },
  },
})
