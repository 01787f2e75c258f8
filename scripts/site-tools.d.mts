/**
 * Installs VitePress and TypeDoc where they are not there.
 * @param begin is told what is installed
 * @returns why one cannot be had; undefined where all are there
 */
export function installSiteTools(begin?: (name: string) => void): string | undefined
