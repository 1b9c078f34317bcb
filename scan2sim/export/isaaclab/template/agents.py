"""How rsl_rl trains the tasks."""

# pyright: reportMissingImports=false

from isaaclab.utils import configclass
from isaaclab_rl.rsl_rl import RslRlCNNModelCfg, RslRlMLPModelCfg, RslRlOnPolicyRunnerCfg, RslRlPpoAlgorithmCfg

__all__ = ["ScanCameraPPORunnerCfg", "ScanPPORunnerCfg"]


@configclass
class ScanPPORunnerCfg(RslRlOnPolicyRunnerCfg):
    """PPO with two small networks."""

    num_steps_per_env = 64
    max_iterations = 300
    save_interval = 50
    experiment_name = "scan"
    actor = RslRlMLPModelCfg(
        hidden_dims=[128, 128],
        activation="elu",
        obs_normalization=True,
        distribution_cfg=RslRlMLPModelCfg.GaussianDistributionCfg(init_std=0.6),
    )
    critic = RslRlMLPModelCfg(hidden_dims=[128, 128], activation="elu", obs_normalization=True)
    algorithm = RslRlPpoAlgorithmCfg(
        value_loss_coef=1.0,
        use_clipped_value_loss=True,
        clip_param=0.2,
        entropy_coef=0.002,
        num_learning_epochs=5,
        num_mini_batches=4,
        learning_rate=5.0e-4,
        schedule="adaptive",
        gamma=0.99,
        lam=0.95,
        desired_kl=0.01,
        max_grad_norm=1.0,
    )


@configclass
class ScanCameraPPORunnerCfg(ScanPPORunnerCfg):
    """The policy sees pictures alone; the critic, which only training needs, the state."""

    experiment_name = "scan_camera"
    obs_groups = {"actor": ["camera"], "critic": ["policy"]}  # noqa: RUF012  (a configclass copies it)
    actor = RslRlCNNModelCfg(
        cnn_cfg=RslRlCNNModelCfg.CNNCfg(
            output_channels=[16, 32, 32], kernel_size=[5, 3, 3], stride=[2, 2, 2], activation="elu"
        ),
        hidden_dims=[128],
        activation="elu",
        distribution_cfg=RslRlCNNModelCfg.GaussianDistributionCfg(init_std=0.6),
    )
