// What the site does with the Markdown of the repository: links lead to pages, and clause ids to their rule.
import { siteLink } from './links.mjs'

const protocolFile = 'docs/protocol.md'

/**
 * A plugin of markdown-it.
 * @param {{ pages: ReadonlyMap<string, string>, clauses: ReadonlySet<string>, isFolder: (path: string) => boolean, repository: string }} options
 */
export function repositoryMarkdown(md, { pages, clauses, isFolder, repository }) {
  const files = new Map([...pages].map(([file, page]) => [page, file]))
  md.core.ruler.push('repository_links', state => {
    const file = files.get(state.env.relativePath)
    if (file === undefined) return
    state.tokens = state.tokens.flatMap(block => named(block, state))
    for (const [at, block] of state.tokens.entries()) {
      if (block.type === 'fence') block.info = languageOf(block.info)
      if (block.type !== 'inline') continue
      // The row of a figure is scrolled on a phone, also by keyboard.
      if (block.children.some(({ type }) => type === 'image')) state.tokens[at - 1].attrSet('tabindex', '0')
      const place = { file, pages, isFolder, repository }
      for (const token of block.children) mendLink(token, place)
      block.children = withClauses(block.children, { place, clauses, Token: state.Token })
      for (const token of block.children) keepBraces(token, md)
    }
  })
}

/** To Vue, which renders pages, two braces in a text begin an expression. */
function keepBraces(token, md) {
  if (!token.content.includes('{{') || !['text', 'code_inline'].includes(token.type)) return
  const text = md.utils.escapeHtml(token.content).replaceAll('{', '&#123;')
  token.content = token.type === 'text' ? text : `<code>${text}</code>`
  token.type = 'html_inline'
}

/** A block that is a file, with its name above it. */
function named(block, { Token, md }) {
  const [, name] = block.type === 'fence' ? block.info.trim().split(/\s+/) : []
  if (name === undefined || !name.includes('.') || name.includes('=')) return [block]
  const content = `<p class="file-name">${md.utils.escapeHtml(name)}</p>\n`
  return [Object.assign(new Token('html_block', '', 0), { content, block: true }), block]
}

/** Only the language: what follows it is a file name, or says how a test runs the block. */
function languageOf(info) {
  return info.trim().split(/\s+/)[0] ?? ''
}

function mendLink(token, place) {
  const name = token.type === 'image' ? 'src' : 'href'
  const href = token.attrGet(name)
  if (href !== null) token.attrSet(name, siteLink(href, place))
}

/** On the protocol page a clause id is an anchor; elsewhere it links there. */
function withClauses(tokens, { place, clauses, Token }) {
  const html = content => Object.assign(new Token('html_inline', '', 0), { content })
  if (place.file === protocolFile)
    return tokens.map((token, at) => {
      const id = tokens[at + 1]?.content
      return token.content === '<sub>' && clauses.has(id)
        ? html(`<sub class="clause" id="${id}">`)
        : token.type === 'text' && tokens[at - 1]?.content === '<sub>' && clauses.has(token.content)
          ? html(`<a href="#${token.content}">${token.content}</a>`)
          : token
    })
  let inLink = 0
  return tokens.flatMap(token => {
    inLink += token.type === 'link_open' ? 1 : token.type === 'link_close' ? -1 : 0
    if (token.type !== 'code_inline' || inLink > 0 || !clauses.has(token.content)) return [token]
    // As HTML: VitePress would take the dots out of the anchor of a link.
    const href = siteLink(`${place.repository}/blob/main/${protocolFile}#${token.content}`, place)
    return [html(`<a href="${href.replace('.md#', '.html#')}">`), token, html('</a>')]
  })
}
