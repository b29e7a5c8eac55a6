package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tordetect/src/terminal"
)

// takesFiles reports whether a command's use says that it takes files.
func takesFiles(c *cobra.Command) bool {
	_, words, _ := strings.Cut(c.Use, " ")
	return strings.Contains(words, "FILE") || strings.Contains(words, "DIR")
}

// shells are those that there are completions for.
var shells = map[string]func(root *cobra.Command, t *terminal.Terminal) error{
	"bash": func(root *cobra.Command, t *terminal.Terminal) error { return root.GenBashCompletionV2(t.Out(), true) },
	"zsh":  func(root *cobra.Command, t *terminal.Terminal) error { return root.GenZshCompletion(t.Out()) },
	"fish": func(root *cobra.Command, t *terminal.Terminal) error { return root.GenFishCompletion(t.Out(), true) },
	"powershell": func(root *cobra.Command, t *terminal.Terminal) error {
		return root.GenPowerShellCompletionWithDesc(t.Out())
	},
}

func completionCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Have bash, zsh, fish or powershell complete what one types",
		Long: `Writes a script for a shell, which completes commands, flags, their values and
files once it is read. To have it in every new shell:
  bash        put it into a file in ~/.local/share/bash-completion/completions
              (the package bash-completion has to be installed)
  zsh         put it into a file _torctl in a folder of $fpath
  fish        put it into ~/.config/fish/completions/torctl.fish
  powershell  add it to the file that $PROFILE names`,
		Example: `  source <(torctl completion bash)
  torctl completion zsh > _torctl
  torctl completion fish > torctl.fish
  torctl completion powershell >> profile.ps1`,
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		RunE: func(c *cobra.Command, args []string) error {
			if err := shells[args[0]](c.Root(), t); err != nil {
				return failed(fmt.Errorf("write the output: %w", err))
			}
			return nil
		},
	}
}
