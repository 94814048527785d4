# services.roost.cache: the image cache as a NixOS service, and Docker told to ask it first.
#
#   imports = [ ./roost/packaging/nix/module.nix ];
#   services.roost.cache = { enable = true; package = roost; maxSize = "50gb"; };
{ config, lib, pkgs, utils, ... }:

let
  cfg = config.services.roost.cache;

  tokens = lib.filterAttrs (_: upstream: upstream.tokenFile != null) cfg.upstreams;

  # A string of JSON is one of TOML.
  quoted = builtins.toJSON;
  line = key: value: "${key} = ${quoted value}\n";

  # The cache's own settings file. Of a token it has the place alone, where systemd shows it to the unit.
  settings = pkgs.writeTextDir "roost/config.toml" (lib.concatStrings (lib.mapAttrsToList
    (name: upstream:
      "[cache.upstreams.${quoted name}]\n"
      + lib.optionalString (upstream.url != null) (line "url" upstream.url)
      + lib.optionalString (upstream.user != null) (line "username" upstream.user)
      + lib.optionalString (upstream.tokenFile != null)
        (line "token_file" "/run/credentials/roost-cache.service/${name}")
      + lib.optionalString (upstream.privateHosts != [ ]) (line "private_hosts" upstream.privateHosts))
    cfg.upstreams));

  # The one text of the unit, hardening included; what differs here is in serviceConfig below.
  unit = pkgs.writeTextDir "lib/systemd/system/roost-cache.service"
    (builtins.readFile ../systemd/roost-cache.service);

  arguments =
    [ "${cfg.package}/bin/roost" "cache" "serve" "--listen" cfg.listen "--dir" "/var/cache/roost-cache" ]
    ++ lib.optionals (cfg.maxSize != null) [ "--max-size" cfg.maxSize ]
    ++ lib.optionals (cfg.minFree != null) [ "--min-free" cfg.minFree ];
in
{
  options.services.roost.cache = {
    enable = lib.mkEnableOption "the image cache of Roost";

    package = lib.mkOption {
      type = lib.types.package;
      description = "The package that has bin/roost.";
    };

    listen = lib.mkOption {
      type = lib.types.strMatching "(127\\.[0-9]+\\.[0-9]+\\.[0-9]+|localhost|\\[::1]):[0-9]+";
      default = "127.0.0.1:5555";
      description = "Where the cache listens: an address of this machine alone, and a port.";
    };

    maxSize = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "50gb";
      description = "The most that the cache may take of the disk.";
    };

    minFree = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "5gb";
      description = "What the cache leaves free on the disk.";
    };

    upstreams = lib.mkOption {
      default = { };
      example = lib.literalExpression ''
        {
          "docker.io" = { user = "me"; tokenFile = "/run/secrets/docker-hub"; };
          "registry.example.org" = { url = "https://registry.example.org"; };
        }
      '';
      description = "Registries that the cache asks, beside the usual ones or instead of what it knows of them.";
      type = lib.types.attrsOf (lib.types.submodule {
        options = {
          url = lib.mkOption {
            type = lib.types.nullOr lib.types.str;
            default = null;
            description = "Its address; not needed for those that the cache knows.";
          };
          user = lib.mkOption {
            type = lib.types.nullOr lib.types.str;
            default = null;
            description = "Who the token belongs to.";
          };
          tokenFile = lib.mkOption {
            type = lib.types.nullOr lib.types.str;
            default = null;
            description = ''
              A file with an access token, outside the Nix store, which everybody can read. systemd reads it as root
              and shows it to the cache alone. It needs `user` beside it.
            '';
          };
          privateHosts = lib.mkOption {
            type = lib.types.listOf lib.types.str;
            default = [ ];
            description = "Hosts of this registry that may have addresses of a private network.";
          };
        };
      });
    };

    dockerMirror = lib.mkOption {
      type = lib.types.bool;
      default = true;
      description = "Whether Docker asks the cache first.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = lib.concatLists (lib.mapAttrsToList
      (name: upstream: [
        {
          assertion = !(lib.hasPrefix builtins.storeDir upstream.tokenFile);
          message = "services.roost.cache.upstreams.\"${name}\".tokenFile lies in the Nix store, which everybody can read";
        }
        {
          assertion = upstream.user != null;
          message = "services.roost.cache.upstreams.\"${name}\".tokenFile needs user beside it";
        }
      ])
      tokens);

    systemd.packages = [ unit ];
    systemd.services.roost-cache = {
      wantedBy = [ "multi-user.target" ];
      environment.XDG_CONFIG_HOME = "${settings}";
      serviceConfig = {
        # The empty one takes back that of the unit's file.
        ExecStart = [ "" (utils.escapeSystemdExecArgs arguments) ];
        LoadCredential = lib.mapAttrsToList (name: upstream: "${name}:${upstream.tokenFile}") tokens;
      };
    };

    virtualisation.docker.daemon.settings = lib.mkIf cfg.dockerMirror {
      registry-mirrors = lib.mkBefore [ "http://${cfg.listen}" ];
    };
  };
}
