/** What is known of an index server, beyond the upload API that all of them copy. */
export interface KnownServer {
  /** As its makers write it: `devpi`, `Artifactory`, `Gitea or Forgejo`. */
  readonly name: string
  /** The simple index that belongs to the upload URL, ending in a slash; undefined where none can be derived. */
  readonly simpleRoot: URL | undefined
  /** The digest on a project's page is what the client said, not what the server saw: it proves nothing. */
  readonly digestIsOurWord: boolean
  /** A file may be listed some time after the server said yes. */
  readonly asynchronous: boolean
  /** An upload may replace a file without a word. */
  readonly mayOverwrite: boolean
  /** Only links below it are this index's own; undefined: all of them. */
  readonly ownFiles: URL | undefined
  /** Repositories that show an upstream's files too. */
  readonly mergesUpstreams: boolean
}
