/** docs/reasons.md, whole. */
export declare function reasonsPage(): string
