/** One line for each link that leads nowhere, each file that is loaded from another site, and each id that stands twice. */
export function faultsOfSite(folder: string, base?: string): string[]
/** The text of the search index; undefined where there is none. */
export function searchIndexOf(folder: string): string | undefined
